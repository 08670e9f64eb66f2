"""``xueliang accounts``: who may log in. Passwords come from the terminal or the environment, never from arguments.

Exit codes: 0 done, 1 refused with one line that says why, 2 the command or the settings are wrong.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from alerts.storage.database import SchemaTooNew, open_engine
from configs.loader import SettingsFaults, load
from configs.schema import Settings
from dashboard.accounts import Account, AccountExists, AccountStore, AccountUnknown
from dashboard.policy import Role
from dashboard.regions import EVERYWHERE, RegionIndex
from xueliang.surroundings import database_url

app = typer.Typer(no_args_is_help=True, help="Accounts of the wall: add, list, disable, change a password.")

ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", exists=True, dir_okay=False, help="The node's settings.")
]
UsernameArgument = Annotated[str, typer.Argument(metavar="USERNAME")]
PasswordEnvOption = Annotated[
    str | None,
    typer.Option("--password-env", metavar="NAME", help="Environment variable with the password; default: asks."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@app.command("add")
def add_account(
    username: UsernameArgument,
    config: ConfigOption,
    role: Annotated[Role, typer.Option("--role", help="What the account may do.")],
    region: Annotated[
        list[str] | None, typer.Option("--region", help="Region whose subtree it covers; repeatable; default: all.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name shown to others; default: the username.")] = None,
    password_env: PasswordEnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adds an account."""
    settings = _settings(config)
    regions = tuple(region or (EVERYWHERE,))
    unknown = [each for each in regions if each != EVERYWHERE and each not in RegionIndex.of(settings).subtree]
    if unknown:
        raise typer.BadParameter(f"the settings have no region {', '.join(unknown)}", param_hint="--region")
    password = _password(password_env)
    with _store(settings) as accounts:
        account = accounts.add(username, password, role, regions, name)
    _tell(account, f"added {account.username} ({account.role.value})", as_json=as_json)


@app.command("list")
def list_accounts(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Lists every account."""
    with _store(_settings(config)) as accounts:
        known = accounts.all()
    if as_json:
        typer.echo(json.dumps([_described(account) for account in known], ensure_ascii=False))
        return
    for account in known:
        state = "disabled" if account.disabled else "active"
        typer.echo(f"{account.username}  {account.role.value}  {','.join(account.regions)}  {state}")
    if not known:
        typer.echo("no accounts yet; add one with: xueliang accounts add USERNAME --role administrator --config FILE")


@app.command("disable")
def disable_account(
    username: UsernameArgument,
    config: ConfigOption,
    undo: Annotated[bool, typer.Option("--undo", help="Enable it again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ends the account's sessions and keeps it from logging in; its history stays."""
    with _store(_settings(config)) as accounts:
        accounts.set_disabled(username, disabled=not undo)
        account = accounts.get(username)
    _tell(account, f"{'enabled' if undo else 'disabled'} {username}", as_json=as_json)


@app.command("passwd")
def change_password(
    username: UsernameArgument,
    config: ConfigOption,
    password_env: PasswordEnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sets a new password and ends the account's sessions."""
    settings = _settings(config)
    with _store(settings) as accounts:
        accounts.get(username)
        accounts.set_password(username, _password(password_env))
        account = accounts.get(username)
    _tell(account, f"changed the password of {username}", as_json=as_json)


def _settings(config: Path) -> Settings:
    try:
        return load(config, os.environ)
    except SettingsFaults as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@contextmanager
def _store(settings: Settings) -> Iterator[AccountStore]:
    """The account store of the node; what is refused or fails there ends the command with one line."""
    try:
        if settings.database_url is None:
            settings.state_dir.mkdir(parents=True, exist_ok=True)
        engine = open_engine(database_url(settings))
        try:
            accounts = AccountStore(engine, time.time)
            accounts.migrate()
            yield accounts
        finally:
            engine.dispose()
    except DBAPIError as error:
        typer.echo(
            f"the database does not answer ({type(error.orig).__name__}): check database_url, state_dir", err=True
        )
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"the state folder cannot be written: {error.strerror}; set another (state_dir)", err=True)
        raise typer.Exit(1) from None
    except (AccountExists, AccountUnknown, SchemaTooNew, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _password(env: str | None) -> str:
    if env is None:
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    found = os.environ.get(env)
    if not found:
        raise typer.BadParameter(f"the environment has no variable {env}", param_hint="--password-env")
    return found


def _described(account: Account) -> dict[str, object]:
    return {
        "username": account.username,
        "display_name": account.display_name,
        "role": account.role.value,
        "regions": list(account.regions),
        "disabled": account.disabled,
    }


def _tell(account: Account, line: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(_described(account), ensure_ascii=False) if as_json else line)
