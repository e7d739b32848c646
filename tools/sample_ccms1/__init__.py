# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of the ccms1 campaign: small, deterministic, and laid out as ``$DATA`` of RTN-103.

``python -m tools.sample_ccms1 <directory>``, run from the checkout, writes what is missing there: raws of a
few nights, the export files of every calibration ticket with their artifacts, reference catalogues, solar
system objects, the pretrained models, the FGCM table, the list of good visits, and ``manifest.json`` with the
numbers to expect.

What the real campaign fixes (names, dimensions, storage classes, paths, header keywords, coordinates) is as
it is there; pixels, tables and what else nothing in a repository depends on is made up.
"""
