# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formatter that is found in a configuration is the one that a datastore chooses."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.configured_formatters import (
    configured_formatter,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import (
    Butler,
    Config,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    FormatterFactory,
    StorageClass,
)

OWN = {
    "by_name": "lsst.daf.butler.formatters.json.JsonFormatter",
    "htm7+": "lsst.daf.butler.formatters.pickle.PickleFormatter",
    "detector+physical_filter": "lsst.daf.butler.formatters.pickle.PickleFormatter",
    "StructuredDataList": {
        "formatter": "lsst.daf.butler.formatters.yaml.YamlFormatter",
        "parameters": {"unsafe_dump": True},
    },
    "instrument<Cam>": {
        "by_name": "lsst.daf.butler.formatters.packages.PackagesFormatter",
        "StructuredDataDict": "lsst.daf.butler.formatters.json.JsonFormatter",
    },
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    root = tmp_path_factory.mktemp("formatters") / "repo"
    Butler.makeRepo(root, config=Config({"datastore": {"formatters": OWN}}))
    return open_repository(str(root), writeable=False)


@pytest.mark.parametrize("name", ["by_name", "other"])
@pytest.mark.parametrize(
    ("dimensions", "instrument"),
    [
        ([], None),
        (["htm7"], None),
        (["detector"], "Cam"),
        (["detector"], "Other"),
        (["physical_filter", "detector"], "Cam"),
        (["physical_filter", "detector"], "Other"),
    ],
)
@pytest.mark.parametrize("storage_class", ["StructuredDataDict", "StructuredDataList", "ArrowTable"])
def test_it_is_the_one_that_the_datastore_chooses(
    repository: Repository, name: str, dimensions: list[str], storage_class: str, instrument: str | None
) -> None:
    universe = repository.butler.dimensions
    dataset_type = DatasetType(name, dimensions, storage_class, universe=universe)
    values = {"instrument": instrument, "detector": 1, "physical_filter": "r", "htm7": 131072}
    data_id = DataCoordinate.from_required_values(
        dataset_type.dimensions, tuple(values[key] for key in dataset_type.dimensions.required)
    )
    factory = FormatterFactory()
    factory.registerFormatters(repository.config["datastore", "formatters"], universe=universe)
    chosen = factory.getFormatterClass(DatasetRef(dataset_type, data_id, "run"))
    assert configured_formatter(repository, dataset_type, instrument) == chosen.name()


def test_without_one_the_operator_has_to_name_it(repository: Repository) -> None:
    dataset_type = DatasetType(
        "own", [], StorageClass("NobodyKnowsIt", pytype=dict), universe=repository.butler.dimensions
    )
    with pytest.raises(ButlerError, match="formatter: the repository configures no formatter for own or its"):
        configured_formatter(repository, dataset_type, None)
