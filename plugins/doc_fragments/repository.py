# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes of every module that takes a repository."""

    DOCUMENTATION = r"""
options:
  repo:
    description:
      - The Butler repository, a directory, the URI of one, its C(butler.yaml), or an alias of the repository
        index that the environment variable E(DAF_BUTLER_REPOSITORY_INDEX) names.
      - User information in a URI is refused, because it would be stored and logged. Credentials belong in
        C(db-auth.yaml) for the registry and in the file that E(LSST_RESOURCES_WEBDAV_CONFIG) names for
        WebDAV.
    type: str
    required: true
  log_file:
    description:
      - A file on the managed host to which the task's plan and the log of daf_butler are appended. It is made
        readable by its owner only. Nothing is written to it in check mode.
    type: path
attributes:
  check_mode:
    support: full
    description:
      - The repository is opened read-only, the whole plan is made, and nothing is written. Credentials that
        may only read are enough, as they are for a run that finds nothing to do.
  diff_mode:
    support: full
    description: Before and after are sorted YAML, one line for each object, with at most 1000 of them.
  idempotent:
    support: full
    description: When the declared state is there already, nothing is written and C(changed) is false.
requirements:
  - Python 3.11 or later on the managed host
  - lsst-daf-butler (PyPI), tested with 30.0.11
"""

    PROGRESS = r"""
options:
  progress:
    description:
      - Whether a task that takes long shows how far it is, every few seconds on a terminal and every half
        minute elsewhere. It goes to the standard error of C(ansible-playbook), and not into results.
      - A task that is interrupted, or whose play or connection is gone, stops at the next batch in any case.
    type: bool
    default: true
attributes:
  async:
    support: none
    description:
      - The task stops when the play that started it is gone. Run C(ansible-playbook) in the background.
"""

    CONFLICT = r"""
options:
  on_conflict:
    description:
      - What to do about something that exists and is not what was declared.
      - V(fail) lists every such difference and writes nothing.
      - V(keep) leaves what exists and says so.
      - V(replace) makes it what was declared.
    type: str
    choices: [fail, keep, replace]
    default: fail
"""

    MISSING = r"""
options:
  on_missing:
    description:
      - What to do about something that is named and is not there.
      - V(fail) lists all of it and writes nothing; in check mode it is shown as an assumption, because an
        earlier task may be about to make it.
      - V(skip) leaves it out and counts it.
    type: str
    choices: [fail, skip]
    default: fail
"""

    TRANSFER = r"""
options:
  transfer:
    description:
      - How files get into the datastore.
      - V(direct) leaves them where they are and records their absolute paths.
      - V(copy), V(hardlink), V(symlink) and V(relsymlink) make an artifact in the datastore; V(link) is a
        hard link, or a symbolic link where that is not possible.
      - V(auto) leaves files that are in the datastore's folders already where they are, and links or copies
        the others.
      - V(split) leaves them where they are too, and records the others as V(direct) does.
      - V(move) removes a source once its artifact is committed.
    type: str
    choices: [auto, copy, direct, hardlink, link, move, relsymlink, split, symlink]
    default: auto
notes:
  - Two tasks may ingest into the same run at the same time; they take turns, batch by batch.
  - A file at the place of a new artifact that no dataset has, left by a run that was killed, is replaced. The
    changes show this, and name such files that differ from the ones that replace them.
"""
