# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two versions of the reference catalogue "The Monster": shards at the observed fields, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.samples.camera import Field
from tools.samples.refcats import shard_content, shard_table
from tools.samples.refcats import shards as shards_at

from .exposures import all_exposures


@dataclass(frozen=True)
class Catalogue:
    """A reference catalogue.

    Parameters
    ----------
    name : `str`
        Its name, which is also its dataset type and its directory.
    ticket : `str`
        The ticket that made it.
    """

    name: str
    ticket: str

    @property
    def run(self) -> str:
        """Its RUN collection."""
        return f"refcats/{self.ticket}/{self.name}"


CATALOGUES = (Catalogue("the_monster_20240904", "DM-46370"), Catalogue("the_monster_20250219", "DM-49042"))


def shards() -> dict[int, Field]:
    """Return the shards that the catalogues have: one for each observed field.

    Returns
    -------
    shards : `dict` [ `int`, `Field` ]
        The field by the index of the pixel.
    """
    return shards_at(each.field for each in all_exposures() if each.field is not None)


def refcat_files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the shards of both catalogues, and of their tables for ``ingest-files``."""
    found = shards()
    for catalogue in CATALOGUES:
        for index, field in found.items():
            content = shard_content(catalogue.name, "monster_ComCam_r_flux", index, field)
            yield f"raw/refcats/{catalogue.name}/{index}.fits", content
        yield f"raw/refcats/{catalogue.name}.ecsv", shard_table(list(found))
