# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of the DC2 replication: small, deterministic, and laid out as ``/repo`` of the workshop.

``python -m tools.sample_dc2_replication <directory>``, run from the checkout, writes what is missing there:
numbered exports of raws, calibrations and products with the paths of the exporting site, backups that lack
some of the artifacts, the configuration of a small sky map, and ``manifest.json`` with the numbers to expect.

Names, dimensions, storage classes and paths are those of DC2; pixels, tables, regions and the numbers of
files are made up. Source: the README and the script of lsst-dm/dc2-replication-workshop.
"""
