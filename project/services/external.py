"""Prepares and checks a PostgreSQL of somebody else's: version, extensions, and the role that row-level security binds.

The login of DATABASE_URL becomes the role `als_app` for its whole session (`SET ROLE`). Nothing here needs a superuser
when an administrator has run the statements that the messages name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from project.services.addresses import APP_ROLE
from project.services.errors import ServiceError

if TYPE_CHECKING:
    from psycopg import Connection

    Database = Connection[tuple[Any, ...]]

OLDEST_VERSION = 16
EXTENSIONS = ("vector", "pg_trgm", "btree_gist")


def prepare_database(url: str, owner_url: str = "") -> list[str]:
    """Make an external database ready for the migrations; running it again does no harm.

    `url` is the application's login, `owner_url` (default: the same) the one that owns the tables. Returns one sentence
    for each thing that was found or made. Raises ServiceError with the statement that an administrator has to run.
    """
    done = []
    with _connect(owner_url or url) as owner:
        done.append(_check_version(owner))
        _check_may_create_tables(owner)
        done += [_prepare_extension(owner, extension) for extension in EXTENSIONS]
        done.append(_prepare_role(owner))
        login = _login_of(url)
        done.append(_lend_role(owner, login))
        owner.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
    _check_session(url)
    return done


def _check_version(owner: Database) -> str:
    version = owner.info.server_version // 10_000
    if version < OLDEST_VERSION:
        raise ServiceError(
            f"The database server is PostgreSQL {version}; {OLDEST_VERSION} or newer is needed. Point DATABASE_URL to a"
            " newer server, or leave it unset to use the embedded one."
        )
    return f"PostgreSQL {version}"


def _prepare_extension(owner: Database, extension: str) -> str:
    if owner.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [extension]).fetchone():
        return f"extension {extension} is there"
    if not owner.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", [extension]).fetchone():
        package = "pgvector" if extension == "vector" else "the contrib extensions of PostgreSQL"
        raise ServiceError(
            f"The extension {extension} is not installed on the database server. Install {package} there."
        )
    _execute(owner, f"CREATE EXTENSION {extension}", f"may not create the extension {extension}")
    return f"extension {extension} created"


def _check_may_create_tables(owner: Database) -> None:
    row = owner.execute("SELECT has_schema_privilege('public', 'CREATE'), current_user, current_database()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    allowed, login, database = row
    if not allowed:
        raise ServiceError(
            f"{login} may not create tables in {database}. Run as an administrator:"
            f' ALTER DATABASE "{database}" OWNER TO "{login}";'
        )


def _prepare_role(owner: Database) -> str:
    rights = owner.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone()
    if rights is None:
        statement = f"CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS"
        _execute(owner, statement, f"may not create the role {APP_ROLE}")
        return f"role {APP_ROLE} created"
    if rights[0]:
        raise ServiceError(
            f"The role {APP_ROLE} can bypass row-level security, so organizations would not be kept apart. Run as an"
            f" administrator: ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS;"
        )
    return f"role {APP_ROLE} is there"


def _lend_role(owner: Database, login: str) -> str:
    """The application's login must be able to become the role; the role must not be able to become the owner."""
    inherits = owner.execute("SELECT pg_has_role(%s, current_user, 'MEMBER')", [APP_ROLE]).fetchone()
    if inherits == (True,):
        raise ServiceError(
            f"The role {APP_ROLE} is a member of {owner.info.user}, which owns the tables and could switch row-level"
            f' security off. Run as an administrator: REVOKE "{owner.info.user}" FROM {APP_ROLE};'
        )
    if owner.execute("SELECT pg_has_role(%s, %s, 'SET')", [login, APP_ROLE]).fetchone() == (True,):
        return f"{login} may act as {APP_ROLE}"
    statement = f'GRANT {APP_ROLE} TO "{login}" WITH SET TRUE, INHERIT FALSE'
    _execute(owner, statement, f"may not let {login} act as {APP_ROLE}")
    return f"{login} may now act as {APP_ROLE}"


def _login_of(url: str) -> str:
    with _connect(url) as connection:
        return connection.info.user


def _check_session(url: str) -> None:
    """What the settings do for every connection must work."""
    try:
        with _connect(url) as connection:
            if connection.info.user != APP_ROLE:
                connection.execute(f"SET ROLE {APP_ROLE}")
    except Exception as error:
        raise ServiceError(f"The login of DATABASE_URL cannot act as {APP_ROLE}: {error}") from error


def _execute(owner: Database, statement: str, lacking: str) -> None:
    import psycopg

    try:
        owner.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        where = f"Run in the database {owner.info.dbname} as an administrator"
        raise ServiceError(f"{owner.info.user} {lacking}. {where}: {statement};") from error


def _connect(url: str) -> Database:
    import psycopg

    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise ServiceError(f"The database of DATABASE_URL or DATABASE_OWNER_URL cannot be reached: {error}") from error
