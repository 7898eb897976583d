"""How files of examples are asked for and given."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from learning.api.serializers.datasets import LARGEST_NUMBER
from learning.api.serializers.fields import ExternalId
from learning.formats.catalogue import AUTO, FORMATS
from learning.formats.rows import FIELDS
from learning.formats.writing import TARGETS
from learning.models import SourceType, Split
from learning.services.dataset_exports import ALL

COLUMN = re.compile(r"([a-z_]{1,30})=([^\x00]{1,200})")


class ExportAskSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1, max_value=LARGEST_NUMBER, required=False, help_text="Left out: newest."
    )
    format = serializers.ChoiceField(
        choices=[(name, target.label) for name, target in TARGETS.items()],
        required=False,
        help_text="The whole version as a file. Left out: pages of chats as JSON.",
    )
    split = serializers.ChoiceField(
        choices=[*Split.choices, (ALL, "All, the sealed test split too")],
        required=False,
        help_text="Left out: train and validation. `test` and `all` open the seal: they need a format and a key of the "
        "scope manage, and each reading is kept in the audit.",
    )
    after = serializers.UUIDField(required=False, help_text="The last example_id that you have: go on after it.")
    skip = serializers.IntegerField(
        min_value=0, max_value=LARGEST_NUMBER, required=False, help_text="Lines that you have: go on after them."
    )


class ImportAskSerializer(serializers.Serializer[Any]):
    agent_id = ExternalId(required=False, help_text="Needed where the dataset spans all agents and rows name none.")
    format = serializers.ChoiceField(
        choices=[(AUTO, "By what the file begins with"), *((name, one.label) for name, one in FORMATS.items())],
        default=AUTO,
    )
    dry_run = serializers.BooleanField(default=False, help_text="Report what would be stored, and store nothing.")
    approve = serializers.BooleanField(default=False, help_text="They need no review. It is kept in the audit.")
    update = serializers.BooleanField(  # type: ignore[assignment]  # nothing is saved through it
        default=False, help_text="A known id with other content replaces it."
    )
    source_type = serializers.ChoiceField(
        choices=[SourceType.IMPORT, SourceType.BENCHMARK], default=SourceType.IMPORT.value
    )
    name = serializers.CharField(required=False, max_length=200, help_text="What the file is called.")
    column = serializers.ListField(
        child=serializers.RegexField(COLUMN),
        required=False,
        max_length=30,
        help_text=f"OURS=THEIRS, such as input_text=question. Ours are: {', '.join(FIELDS)}.",
    )

    def validate_column(self, given: list[str]) -> dict[str, str]:
        pairs = [COLUMN.fullmatch(one) for one in given]
        return {pair[1]: pair[2] for pair in pairs if pair}


class ImportFileSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="As it is, or compressed with gzip or zip.")
