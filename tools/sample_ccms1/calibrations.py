# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calibration tickets of RTN-103: one table of tickets, collections and dataset types, and their exports.

Names and order of the collections are those of the tree that the technote prints. Sources of the dataset
types: the list of the dataset types of DP1 at the USDF (lsst-uk/lsst-uk-butler, ``dp1_auto_ingest``) and the
connections of cp_pipe and ip_isr; of the names of the runs that made them: cp_pipe, ``bps/templates``. Which
hours the runs started at and what time the calibrations are valid for is made up.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.samples.exports import Certification, Dataset, Export, Kind, calibration, timespan

from .campaign import ANCILLARY, CAMERA, DETECTORS, FILTERS, INSTRUMENT, sample_uuid

_EXPOSURE = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
_GENERIC = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
_BY_DETECTOR = ("instrument", "detector")
_BY_FILTER = ("band", "instrument", "detector", "physical_filter")

KINDS: dict[str, Kind] = {
    each.name: each
    for each in (
        Kind("bias", _BY_DETECTOR, "ExposureF", _EXPOSURE, calibration=True),
        Kind("dark", _BY_DETECTOR, "ExposureF", _EXPOSURE, calibration=True),
        Kind("flat", _BY_FILTER, "ExposureF", _EXPOSURE, calibration=True),
        Kind("illuminationCorrection", _BY_FILTER, "ExposureF", _EXPOSURE, calibration=True),
        Kind("bfk", _BY_DETECTOR, "BrighterFatterKernel", _GENERIC, calibration=True),
        Kind("cti", _BY_DETECTOR, "IsrCalib", _GENERIC, calibration=True),
        Kind("defects", _BY_DETECTOR, "Defects", _GENERIC, calibration=True),
        Kind("linearizer", _BY_DETECTOR, "Linearizer", _GENERIC, calibration=True),
        Kind("ptc", _BY_DETECTOR, "PhotonTransferCurveDataset", _GENERIC, calibration=True),
        Kind("crosstalk", _BY_DETECTOR, "CrosstalkCalib", _GENERIC, calibration=True),
        Kind("camera", ("instrument",), "Camera", _GENERIC, calibration=True),
    )
}

_PRODUCERS = {"defects": "defectGen"}
"""Runs are named after what they make and ``Gen``, but for these."""


@dataclass(frozen=True)
class Product:
    """What one CALIBRATION collection of a ticket holds.

    Parameters
    ----------
    kind : `str`
        Dataset type.
    rerun : `str`
        Date and letter of the run that made it.
    bands : `str`
        Bands, for a dataset type that has a filter.
    suffix : `str`
        What the collection's name says after the dataset type.
    """

    kind: str
    rerun: str
    bands: str = ""
    suffix: str = ""

    @property
    def name(self) -> str:
        """Last part of the collection's name."""
        return f"{self.kind}{self.suffix}.{self.rerun}"

    def run(self, hour: int) -> str:
        """Return the last two parts of the name of the run.

        Parameters
        ----------
        hour : `int`
            Hour of the day when it started.

        Returns
        -------
        name : `str`
            Producer and timestamp.
        """
        producer = _PRODUCERS.get(self.kind, f"{self.kind}Gen")
        return f"{producer}{self.suffix}.{self.rerun}/{self.rerun[:8]}T{hour:02d}0000Z"


@dataclass(frozen=True)
class Ticket:
    """A ticket with its collections.

    Parameters
    ----------
    name : `str`
        The ticket.
    tag : `str`
        What its collections are for.
    products : `tuple` [ `Product`, ... ]
        In the order of the ticket's chain.
    validity : `tuple` [ `tuple` [ `str`, `str` ], ... ]
        Begin and end, TAI, of the ranges that everything is certified for.
    """

    name: str
    tag: str
    products: tuple[Product, ...]
    validity: tuple[tuple[str, str], ...] = (("2024-10-01T00:00:00", "2050-01-01T00:00:00"),)

    @property
    def chain(self) -> str:
        """Name of the CHAINED collection."""
        return f"{INSTRUMENT}/calib/{self.name}"

    def collection(self, product: Product) -> str:
        """Return the CALIBRATION collection of a product."""
        return f"{self.chain}/{self.tag}/{product.name}"


def _flats(bands: str, rerun: str) -> tuple[Product, ...]:
    return tuple(Product("flat", rerun, band, f"-{band}") for band in bands)


def _each(kinds: str, rerun: str) -> tuple[Product, ...]:
    return tuple(Product(kind, rerun) for kind in kinds.split())


TICKETS: tuple[Ticket, ...] = (
    Ticket("DM-48955", "illumCorr", (Product("illuminationCorrection", "20250224a", "ugrizy"),)),
    Ticket("DM-48520", "DP1", _flats("yzirgu", "20250207a") + _each("dark bias cti defects", "20250207a")),
    Ticket("DM-47365", "addManualDefects", _each("defects", "20241211a")),
    Ticket("DM-47741", "twiflat", _flats("y", "20241120a")),
    Ticket("DM-47547", "twiflat", _flats("zrg", "20241113a")),
    Ticket("DM-47499", "twiflat", _flats("u", "20241110a")),
    Ticket("DM-47447", "gainFixup", _flats("gir", "20241107a") + _each("dark bias ptc", "20241107a")),
    Ticket("DM-47197", "pseudoFlat", _flats("ri", "20241028d")),
    Ticket(
        "DM-46360",
        "isrTaskLSST",
        _flats("irg", "20240926a") + _each("dark bias bfk ptc linearizer defects", "20240926a"),
        (("2024-09-01T00:00:00", "2050-01-01T00:00:00"),),
    ),
    # Certified in two goes, so that the same datasets are valid for two ranges.
    Ticket(
        "DM-47498",
        "fallbackFlats",
        (Product("flat", "20241112a", "ugrizy", "-all"),),
        (("2024-10-01T00:00:00", "2024-11-12T00:00:00"), ("2024-11-12T00:00:00", "2050-01-01T00:00:00")),
    ),
)

CURATED = f"{INSTRUMENT}/calib/DM-48650"
"""The CALIBRATION collection of the curated calibrations; their RUN collections are below it."""


def _product_datasets(run: str, product: Product) -> tuple[Dataset, ...]:
    filters = [FILTERS[band] for band in product.bands] if product.bands else [None]
    return tuple(
        calibration(CAMERA, KINDS[product.kind], run, sample_uuid, detector, physical_filter)
        for detector in DETECTORS
        for physical_filter in filters
    )


def ticket_export(ticket: Ticket) -> Export:
    """Return the export of a ticket.

    Parameters
    ----------
    ticket : `Ticket`
        The ticket.

    Returns
    -------
    export : `Export`
        Its RUN and CALIBRATION collections with their datasets, and its chain.
    """
    datasets: list[Dataset] = []
    certifications: list[Certification] = []
    for hour, product in enumerate(ticket.products):
        made = _product_datasets(f"{ticket.chain}/{ticket.tag}/{product.run(hour)}", product)
        datasets += made
        certifications += [
            Certification(ticket.collection(product), timespan(begin, end), tuple(each.id for each in made))
            for begin, end in ticket.validity
        ]
    collections = tuple(ticket.collection(product) for product in ticket.products)
    return Export(
        CAMERA,
        ANCILLARY,
        path=f"{ANCILLARY}/{ticket.chain}/export.yaml",
        datasets=tuple(datasets),
        calibrations=collections,
        chains={ticket.chain: collections},
        certifications=tuple(certifications),
    )


def curated_export(collection: str = CURATED, directory: str = ANCILLARY) -> Export:
    """Return the export that stands for ``write-curated-calibrations`` with a label.

    Parameters
    ----------
    collection : `str`, optional
        The CALIBRATION collection, which ends in the label.
    directory : `str`, optional
        What the paths of artifacts are relative to.

    Returns
    -------
    export : `Export`
        The camera, valid without limit, and the crosstalk matrices, valid since the epoch of their files.
    """
    camera = calibration(CAMERA, KINDS["camera"], f"{collection}/unbounded", sample_uuid)
    crosstalk = _product_datasets(f"{collection}/curated/19700101T000000Z", Product("crosstalk", "19700101"))
    return Export(
        CAMERA,
        directory,
        path=f"{directory}/{collection}/export.yaml",
        datasets=(camera, *crosstalk),
        calibrations=(collection,),
        certifications=(
            Certification(collection, timespan(None, None), (camera.id,)),
            Certification(
                collection, timespan("1970-01-01T00:00:00", None, "utc"), tuple(c.id for c in crosstalk)
            ),
        ),
    )


def calibration_exports() -> tuple[Export, ...]:
    """Return the exports of all tickets and of the curated calibrations, in the order of the technote."""
    return (*(ticket_export(ticket) for ticket in TICKETS), curated_export())
