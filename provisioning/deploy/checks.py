"""What keeps an app from a release that is there already: found before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from provisioning.agent.answers import BUILT, LIVE, MIGRATED, MIGRATES_FIRST
from provisioning.errors import ConfigurationError, DeployRefusedError, HomeportError

if TYPE_CHECKING:
    from provisioning.agent.answers import AppState
    from provisioning.inventory.models.app import App


def release_to_revive(app: App, states: Mapping[str, AppState], to: str) -> str:
    """Return the release to go back to, which every host must have."""
    if to:
        there = [{each.release for each in state.releases} for state in states.values()]
        matching = sorted(each for each in set.intersection(*there) if _means(to, each))
        if len(matching) != 1:
            raise no_such_release(app, states, to, matching)
        release = matching[0]
    else:
        previous = {state.previous for state in states.values()}
        if len(previous) != 1 or "" in previous:
            raise ConfigurationError(
                f"cannot roll {app.name} back: "
                + ("there is no earlier release" if previous <= {""} else
                   "different releases were live on the hosts before"),
                hint="fab releases, then fab rollback --to ID",
            )  # fmt: skip
        release = previous.pop()
    if all(state.live == release for state in states.values()):
        raise ConfigurationError(
            f"release {release} of {app.name} is live already", hint="fab releases"
        )
    return release


def stopped_release(app: App, states: Mapping[str, AppState]) -> str:
    """Return the release that was stopped, which must be the same on every host.

    Raises:
        ConfigurationError: there is none, or the hosts differ.
    """
    stopped = {state.stopped for state in states.values()}
    if len(stopped) == 1 and "" not in stopped:
        return stopped.pop()
    lives = ", ".join(host for host, state in states.items() if state.live)
    raise ConfigurationError(
        f"cannot start {app.name}: "
        + (f"a release of it is live on {lives}" if lives else
           "no release of it was stopped" if stopped <= {""} else
           "different releases were stopped on the hosts"),
        hint="fab releases shows what is there; fab deploy and fab rollback --to ID make one live",
    )  # fmt: skip


def refuse_over_migration(app: App, states: Mapping[str, AppState], release: str) -> None:
    """Refuse to run an older release on a database that a newer one has migrated.

    Also one that never went live: it is migrated before. What renews a release is as old as that.
    A release of which nobody could say what it has migrated counts as one that has.
    """
    migrated = _migrated(states)
    for state in states.values():
        renews = {each.release: each.renews for each in state.releases}
        code = release
        # Taken out: a hostile host may say that two releases renew each other.
        while renewed := renews.pop(code, ""):
            code = renewed
        were_live = {each.release for each in state.history if each.event == LIVE}
        # Their deploys did not come to the migration.
        early = {"setup", "import"}
        first = {each.release for each in state.releases if each.migrates == MIGRATES_FIRST}
        not_importable = {
            each.release
            for each in state.history
            if each.at_state in (early if each.release not in first else {"setup"})
        } - were_live
        newer = [
            each.release
            for each in state.releases
            if code < each.release
            and each.migrates
            and each.release not in not_importable
            and migrated.get(each.release) != ()
        ]
        if newer:
            names = [name for each in newer for name in migrated.get(each, ())]
            raise DeployRefusedError(
                f"cannot roll {app.name} back to {release}: {newer[-1]} has migrated the "
                "database since, and the older code may not work with it",
                output="\n".join(f"migrated since: {name}" for name in names),
                hint="fab rollback --force if it does; migrate_compatible = true under "
                f"[apps.{app.name}] if it always does",
            )


def _migrated(states: Mapping[str, AppState]) -> dict[str, tuple[str, ...]]:
    """Return which migrations each release has made, of those that the database was asked about.

    Only one host of an app migrates, and a deploy that was cut off does so twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for state in states.values():
        for each in state.history:
            if each.event == MIGRATED:
                found[each.release] = (*found.get(each.release, ()), *each.migrations)
    return found


def no_such_release(
    app: App, states: Mapping[str, AppState], to: str, matching: Sequence[str]
) -> HomeportError:
    """Return why none of the releases matches.

    Args:
        app: The app.
        states: Host -> what is there.
        to: What the person typed.
        matching: The releases that every host has, and that it may mean.
    """
    there = {host: _releases(state) for host, state in states.items()}
    every = sorted(set().union(*there.values()))
    hint = "choose one of these; `fab releases` shows more about them"
    if matching:
        reason = "several releases match"
        every = list(matching)
    elif only := sorted(host for host, ids in there.items() if any(_means(to, i) for i in ids)):
        lacking = sorted(there.keys() - set(only))
        reason = f"{', '.join(lacking)} does not have it, {', '.join(only)} does"
    elif pruned := _pruned(states, to):
        release, commit = pruned
        reason = f"{release} was pruned: {app.name} keeps {app.keep_releases} releases"
        source = f"check out {commit[:7]}" if commit else "check its source out"
        hint = f"choose one of these; or {source} and `fab deploy` it; "
        hint += f"keep_releases under [apps.{app.name}] keeps more of them"
    else:
        reason = "there is no such release"
    return ConfigurationError(
        f"cannot roll {app.name} back to {to}: {reason}", output="\n".join(every), hint=hint
    )


def must_be_whole(app: App, states: Mapping[str, AppState], release: str) -> None:
    """Return if a release has all that it needs to run, on every host.

    Raises:
        DeployRefusedError: somebody has removed a part of it.
    """
    for host, state in states.items():
        lacks = state.lacks.get(release)
        if lacks:
            lost = state.lost.get(release, "")
            is_live = state.live == release
            commit = next((each.commit for each in state.releases if each.release == release), "")
            source = f"check out {commit[:7]}" if commit else "check its source out"
            raise DeployRefusedError(
                f"cannot use release {release} of {app.name}: "
                + (f"it was built for {lost}, which {host} no longer has" if lost else
                   f"on {host} its {lacks[0]} is missing"),
                hint="`fab deploy`, which builds everything for what the host has"
                if lost and is_live else
                f"{source} and `fab deploy` it, which rebuilds everything; or choose another "
                "release with `fab rollback --to ID`",
            )  # fmt: skip


def was_ever_live(states: Mapping[str, AppState]) -> bool:
    """Tell whether any host knows of a release of the app that visitors have seen."""
    return any(
        state.live or state.stopped or any(each.event == LIVE for each in state.history)
        for state in states.values()
    )


def lost_runtimes(states: Mapping[str, AppState]) -> frozenset[str]:
    """Return the names of runtimes that were built for what a host no longer has."""
    return frozenset(
        PurePosixPath(each.runtime).name
        for state in states.values()
        for each in state.releases
        if each.release in state.lost
    )


def must_be_on_one_release(app: App, states: Mapping[str, AppState]) -> None:
    """Return if the same release is live on every host.

    Raises:
        DeployRefusedError: They differ: what is made of these would differ under one id.
    """
    difference = tell_difference(app.name, {host: each.live for host, each in states.items()})
    if difference:
        raise DeployRefusedError(
            difference,
            hint="`fab deploy` makes one release live on all of them; or continue with one "
            "release at a time, with --limit",
        )


def tell_difference(app: str, live: Mapping[str, str]) -> str:
    """Return which hosts have which release live, or "" if it is the same on all of them."""
    hosts: dict[str, list[str]] = {}
    for host, release in live.items():
        hosts.setdefault(release or "no release", []).append(host)
    told = "; ".join(f"{release} on {', '.join(names)}" for release, names in hosts.items())
    return f"{app} is not on one release: {told}" if len(hosts) > 1 else ""


def _releases(state: AppState) -> set[str]:
    return {each.release for each in state.releases}


def _means(to: str, release: str) -> bool:
    return release.startswith(to) or release.endswith(to)


def _pruned(states: Mapping[str, AppState], to: str) -> tuple[str, str] | None:
    """Return a release that was there once, and its commit."""
    for state in states.values():
        for each in reversed(state.history):
            if each.event == BUILT and _means(to, each.release):
                return each.release, each.commit
    return None
