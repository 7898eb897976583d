#!/usr/bin/env python
"""Django's command line. Commands that change the schema connect as the owner of the tables by themselves."""

import os
import sys

OWNER_COMMANDS = {
    "migrate",
    "makemigrations",
    "sqlmigrate",
    "squashmigrations",
    "dbshell",
    "createcachetable",
    "erase_organization",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("ALS_DATABASE_ROLE", "owner")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
