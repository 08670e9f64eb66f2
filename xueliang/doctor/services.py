"""Is what a node talks to in order: the Redis server, its public port, its model?"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import redis

from alerts import redis_server
from alerts.delivery.connection import connect
from configs.schema import SCENES_ONLY, ModelSettings
from models.errors import ModelError
from models.manifest import shipped_manifest
from models.store import Listing, ModelStore, user_store
from xueliang.doctor.finding import Finding, Node, fault, ok, warning
from xueliang.preflight import CannotStart, check_port
from xueliang.supervisor import run_files
from xueliang.surroundings import shared_folder, shared_models

MOTION = "motion"
"""The id that asks for motion only: :data:`detect.motion.MOTION_ID`, which cannot be had without loading OpenCV."""

_INSTALL_REDIS = "apt-get install redis-server, or set REDIS_URL"


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What a server that answers says of itself; ``None``: it does not let us ask."""

    name: str
    version: tuple[int, ...]
    append_only: bool | None
    eviction: str | None


def redis_answers(facts: RedisFacts) -> Finding:
    """Judge a running server."""
    told = f"{facts.name} {'.'.join(map(str, facts.version))} answers"
    if facts.version[:2] < redis_server.MINIMUM and facts.name == "redis":
        needed = ".".join(map(str, redis_server.MINIMUM))
        return fault("Redis", f"{told}; {needed} or newer is needed", f"upgrade it to {needed}")
    if facts.append_only is None or facts.eviction is None:
        remedy = "see there that appendonly is yes and maxmemory-policy noeviction"
        return warning("Redis", f"{told}, and does not tell its configuration", remedy)
    if not facts.append_only:
        remedy = "redis-cli CONFIG SET appendonly yes, and write it into its configuration file"
        return warning("Redis", f"{told}; its append-only file is off: a restart there loses events", remedy)
    if facts.eviction != "noeviction":
        remedy = "redis-cli CONFIG SET maxmemory-policy noeviction"
        return warning("Redis", f"{told}; maxmemory-policy {facts.eviction} may drop events unseen", remedy)
    return ok("Redis", f"{told}; append-only file on")


def redis_program(program: Path | None, version: tuple[int, int] | None) -> Finding:
    """Judge the server that a node would start for itself."""
    needed = ".".join(map(str, redis_server.MINIMUM))
    if program is None:
        return fault("Redis", f"no redis-server or valkey-server {needed} or newer on this machine", _INSTALL_REDIS)
    if version is None:
        return fault("Redis", f"{program} does not run", _INSTALL_REDIS)
    return ok("Redis", f"a node starts its own: {program.name} {version[0]}.{version[1]} ({program})")


def port(number: int, taken: str | None, ours: run_files.RunFile | None) -> Finding:
    """Judge the public port. ``taken``: why it cannot be had; ``ours``: this node's dashboard where it runs."""
    if ours is not None:
        return ok("port", f"this node is running: {ours.public} (pid {ours.pid})")
    if taken is not None:
        return fault("port", taken, "ss -ltnp shows who listens there")
    return ok("port", "any free one is taken" if number == 0 else f"{number} is free")


def model(settings: ModelSettings, listing: Listing | None) -> Finding:
    """Judge the detector; ``None``: the settings ask for motion only. Nothing is pulled."""
    if listing is None:
        return ok("model", "the settings ask for motion only")
    entry = listing.entry
    if listing.path is not None:
        if listing.fault is not None:
            remedy = f"delete it, then: xueliang models pull {entry.id}"
            return fault("model", f"{listing.path}: {listing.fault}", remedy)
        if entry.id == SCENES_ONLY:
            told = f"{entry.id} knows the simulator's drawn scenes and nothing else: of no use on real cameras"
            return warning("model", told, "for real cameras set model.id to another: xueliang models list")
        return ok("model", f"{entry.id}: {listing.path}, sha256 as in the manifest")
    absent = f"{entry.id} is not on this machine"
    by_hand = f"xueliang models import FILE --id {entry.id}"
    if settings.allow_pull and entry.source is not None:
        told = f"{absent}: {entry.size / 1e6:.1f} MB would be pulled at the start"
        if settings.fallback == "motion":
            told += "; where that fails, motion only"
        return warning("model", told, f"xueliang models pull {entry.id}; without a network: {by_hand}")
    if settings.fallback == "refuse":
        return fault("model", f"{absent}, pulling is switched off, and model.fallback is refuse", by_hand)
    return warning("model", f"{absent}, and pulling is switched off: motion only", by_hand)


def look_at_redis(node: Node) -> list[Finding]:
    """See :func:`redis_answers` and :func:`redis_program`. Starts nothing."""
    settings = node.settings
    if settings.redis_url is not None:
        return [_asked(settings.redis_url.get_secret_value(), "start it, and correct REDIS_URL")]
    own = settings.state_dir / "redis" / "redis.sock"
    if _running(settings.state_dir, "dashboard") and own.exists() and stat.S_ISSOCK(own.stat().st_mode):
        return [_asked(f"unix://{own}", "xueliang up starts it again")]
    found = (shutil.which(name, path=node.environ.get("PATH")) for name in redis_server.PROGRAMS)
    programs = {Path(each): redis_server.program_version(Path(each)) for each in found if each}
    new_enough = {each: version for each, version in programs.items() if (version or (0, 0)) >= redis_server.MINIMUM}
    if new_enough:
        return [redis_program(*next(iter(new_enough.items())))]
    inside = redis_server.wheel_program()
    return [redis_program(inside, redis_server.program_version(inside) if inside is not None else None)]


def look_at_port(node: Node) -> list[Finding]:
    """See :func:`port`."""
    listen = node.settings.listen
    ours = _running(node.settings.state_dir, "dashboard")
    taken = None
    if ours is None:
        try:
            check_port(listen.host, listen.port)
        except CannotStart as error:
            taken = str(error)
    return [port(listen.port, taken, ours)]


def look_at_model(node: Node) -> list[Finding]:
    """See :func:`model`."""
    settings = node.settings.model
    if settings.id == MOTION:
        return [model(settings, None)]
    home = settings.store or user_store(node.environ, node.home)
    source = ModelStore(home, shipped_manifest(), also=shared_models(shared_folder()), opener=None)
    try:
        wanted = source.manifest().entry(settings.id)
        return [model(settings, next(each for each in source.listings() if each.entry == wanted))]
    except ModelError as error:
        return [fault("model", f"{error.subject}: {error.fault}", error.action)]


def _asked(url: str, remedy: str) -> Finding:
    try:
        client = connect(url, name="doctor")
    except ValueError as error:
        return fault("Redis", str(error), "correct REDIS_URL")
    try:
        return redis_answers(_facts(client))
    except redis.AuthenticationError:
        return fault("Redis", "refuses the user or the password", "correct the user and password in REDIS_URL")
    except (redis.ConnectionError, redis.TimeoutError) as error:
        return fault("Redis", f"does not answer ({type(error).__name__})", remedy)
    except redis.ResponseError as error:
        return fault("Redis", f"answers, and does not let us work ({type(error).__name__})", "give the user its rights")
    finally:
        client.close()


def _facts(client: redis.Redis) -> RedisFacts:
    client.ping()
    info = client.info("server")
    name = "valkey" if "valkey_version" in info else "redis"
    version = tuple(int(part) for part in str(info[f"{name}_version"]).split(".") if part.isdecimal())
    try:
        told = client.config_get("appendonly", "maxmemory-policy")
    except redis.ResponseError:  # an ACL, or a hosted server that hides its configuration
        return RedisFacts(name, version, None, None)
    append_only, eviction = told.get("appendonly"), told.get("maxmemory-policy")
    return RedisFacts(name, version, None if append_only is None else append_only == "yes", eviction)


def _running(state_dir: Path, name: str) -> run_files.RunFile | None:
    """What the named process told, if it still lives."""
    told = run_files.read(state_dir, name)
    if told is None:
        return None
    try:
        os.kill(told.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return told
    return told
