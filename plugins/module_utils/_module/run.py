# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's arguments to one result: the only place that knows Ansible."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rubin.butler.plugins.module_utils._butler.connections import tend_connections
from ansible_collections.rubin.butler.plugins.module_utils._butler.dependencies import require
from ansible_collections.rubin.butler.plugins.module_utils._butler.permissions import (
    explain_refusal,
    is_refused,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    check_no_secret,
    first_line,
    masked,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import why_ended
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    NewHostError,
    RepositoryAbsentError,
    SecretError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import State, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import (
    InterruptedBeforeWritingError,
    StopRequest,
)
from ansible_collections.rubin.butler.plugins.module_utils._module.failures import failures_file
from ansible_collections.rubin.butler.plugins.module_utils._module.log import task_log
from ansible_collections.rubin.butler.plugins.module_utils._module.options import REPOSITORY
from ansible_collections.rubin.butler.plugins.module_utils._module.progress import watched
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import reach_uris, uris_in

NEEDS = ("lsst.daf.butler", "lsst.resources", "yaml")

PLACES = (
    "sources",
    "sources.directory",
    "select.root",
    "directories",
    "directory",
    "prefix",
    "imports.file",
    "imports.directory",
)
"""Options with URIs that a module reads from; their servers are asked first whether they can be used."""


def run_state(
    options: Mapping[str, Mapping[str, Any]],
    build: Callable[[dict[str, Any]], State[Any, Any]],
    *,
    shared: Mapping[str, Mapping[str, Any]] | None = None,
    needs: Sequence[str] = NEEDS,
    opens: bool = True,
    more: Callable[[State[Any, Any]], Mapping[str, Any]] | None = None,
    **constraints: Any,
) -> None:
    """Run a state module.

    Parameters
    ----------
    options : `~collections.abc.Mapping`
        The module's own argument spec.
    build : `~collections.abc.Callable`
        Makes the state from the checked arguments. It raises `ButlerError` for what the argument spec can't
        express; nothing heavy was imported before.
    shared : `~collections.abc.Mapping`, optional
        The options that are added: `REPOSITORY`, or `LOG_FILE` for a state that is of no repository.
    needs : `~collections.abc.Sequence` [ `str` ]
        What has to be importable.
    opens : `bool`
        Whether the repository is opened here; `butler_repo` looks at it by itself.
    more : `~collections.abc.Callable`, optional
        Gives what the module returns besides the common result, from the state after its loop.
    **constraints
        ``mutually_exclusive`` and the like, for `AnsibleModule`.
    """
    argument_spec = {**(REPOSITORY if shared is None else shared), **options}
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints)
    stop = StopRequest()
    stop.install()
    try:
        state = build(module.params)
        require(needs)
        repo = module.params.get("repo", "")
        if repo:
            tend_connections()
        check_no_secret("repo", repo)
        files = {} if module.check_mode else module.params
        with (
            watched(stop) as step,
            task_log(files.get("log_file"), repo or module._name) as log,
            failures_file(files.get("report_file")) as failed_to,
        ):
            places = list(uris_in(module.params, PLACES))
            for option, uri in places:
                check_no_secret(option, uri)
            reach_uris(places)
            repository = _open(repo, check_mode=module.check_mode) if opens else None
            report = Report(stop.check, stop.begin, log, step, failed_to)
            # Connections are given back as soon as they are not needed any more.
            with repository.butler if repository is not None else nullcontext():
                outcome = converge(state, repository, check_mode=module.check_mode, report=report)
    except SecretError as error:
        # Ansible returns the arguments too; what is in no_log_values is masked there.
        module.no_log_values.update(error.secrets)
        module.fail_json(msg=str(error))
    except ButlerError as error:
        module.fail_json(msg=str(error))
    except InterruptedBeforeWritingError as error:
        module.fail_json(msg=f"stopped before anything was written: {error}. Run the task again.")
    except Exception as error:
        if is_refused(error):
            refusal = explain_refusal(error, f"of {module.params['repo']}")
            module.fail_json(msg=f"{refusal}\nWhat was committed stays; the task can be run again.")
        # A surprise is a bug or an outage: the first line for the operator, the traceback for the report.
        module.fail_json(
            msg=f"unexpected {first_line(error)}. What was committed stays; the task can be run again."
            f"{why_ended(error)}",
            exception=masked(traceback.format_exc()),
        )
    for notice in outcome.notices:
        module.warn(notice)
    result = outcome.as_result(diff=module._diff)
    result.update(more(state) if more is not None else {})
    module.exit_json(**result)


def _open(repo: str, *, check_mode: bool) -> Repository | None:
    try:
        return open_repository(repo, writeable=not check_mode, or_look=True)
    except (NewHostError, RepositoryAbsentError):
        if check_mode:
            return None
        raise
