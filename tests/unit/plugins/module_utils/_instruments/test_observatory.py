# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and known errors of the observatory's headers."""

from __future__ import annotations

import datetime
from collections import Counter

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.corrections import (
    known_correction,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.observatory import (
    detector_exposure_number,
    exposure_number,
    pacific_hours,
    visit_number,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("day", "counter", "controller", "expected"),
    [
        ("20241108", 266, "O", 2024110800266),
        ("2024-11-08T12:00:00", "266", None, 2024110800266),
        (20190530, 1, "C", 3019053000001),
        ("20231004", 1, "C", 3023100400001),
        ("20231005", 1, "C", 2023100500001),
        ("20260101", 1, "H", 4026010100001),
        ("20250417", 1, "P", 5025041700001),
        ("20250418", 1, "P", 2025041800001),
        ("20250417", 1, "Q", 6025041700001),
        ("20250417", 99999, "S", 7025041799999),
        ("20241108", 0, "", 2024110800000),
    ],
)
def test_exposure_ids(day: str | int, counter: str | int, controller: str | None, expected: int) -> None:
    assert exposure_number(day, counter, controller) == expected


@given(st.dates(datetime.date(2018, 1, 1), datetime.date(2050, 12, 31)), st.integers(0, 99999))
def test_an_exposure_id_says_day_and_counter(day: datetime.date, counter: int) -> None:
    assert divmod(exposure_number(f"{day:%Y%m%d}", counter, "O"), 100000) == (int(f"{day:%Y%m%d}"), counter)


@pytest.mark.parametrize(
    ("day", "counter", "controller", "said"),
    [
        ("2024118", 1, "O", "DAYOBS '2024118' is no day"),
        ("yesterda", 1, "O", "DAYOBS 'yesterda' is no day"),
        ("20241108", 100000, "O", "SEQNUM 100000 is out of range"),
        ("20241108", -1, "O", "SEQNUM -1 is out of range"),
        ("20241108", 1, "X", "CONTRLLR 'X' is no controller"),
        ("20241108", 1, "OC", "CONTRLLR 'OC' is no controller"),
    ],
)
def test_what_makes_no_exposure_id_is_said(day: str, counter: int, controller: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        exposure_number(day, counter, controller)


@pytest.mark.parametrize(
    ("exposure", "detector", "expected"),
    [
        (2024110800266, 0, 45508266496),
        (2024110800266, 8, 45508266504),
        (2025060900578, 204, 47295120076),
        (3019053000001, 94, 166262210910),
        (4026010100001, 188, 323900932540),
        (5025041700001, 1, 459167236353),
        (6025041700001, 2, 596606189826),
        (7025041732767, 255, 734053531647),
        (2010010100000, 0, 0),
        (2050123132767, 255, 125619404799),
        (2054111000001, 0, 137438953728),
    ],
)
def test_ids_are_packed_as_officially(exposure: int, detector: int, expected: int) -> None:
    assert detector_exposure_number(exposure, detector) == expected


@given(
    st.dates(datetime.date(2010, 1, 1), datetime.date(2050, 12, 31)),
    st.integers(0, 32767),
    st.sampled_from("OH"),
    st.integers(0, 255),
)
def test_a_packed_id_says_what_was_packed(
    day: datetime.date, counter: int, controller: str, detector: int
) -> None:
    exposure = exposure_number(f"{day:%Y%m%d}", counter, controller)
    packed = detector_exposure_number(exposure, detector)
    rest, number = divmod(packed, 256)
    rest, sequence = divmod(rest, 32768)
    millennium, days = divmod(rest, 16384)
    assert (number, sequence) == (detector, counter)
    assert ("OCH"[millennium], datetime.date(2010, 1, 1) + datetime.timedelta(days)) == (controller, day)


@pytest.mark.parametrize(
    ("exposure", "detector"),
    [
        (2024110832768, 0),
        (2009123100001, 0),
        (2054111100001, 0),
        (2024110800001, 256),
        (2024110800001, -1),
        (1990010100001, 0),
        (8024110800001, 0),
        (2024130800001, 0),
        (204595, 0),
    ],
)
def test_what_can_not_be_packed_is_refused(exposure: int, detector: int) -> None:
    with pytest.raises(ValueError, match=r"too large|must be in|out of range"):
        detector_exposure_number(exposure, detector)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("3019053000001", 3019053000001),
        (" 12 ", 12),
        ("2024-11-09T05:44:39.009", 3110606790090000),
        ("2024-11-09T05:44:39.009#2", 3110606790090002),
        ("2024-11-09T05:44:39.009+12", 3110606790090012),
        ("2024-11-09T05:44:39.009#12345", 31106067900912345),
        ("2015-01-01T00:00:00.001", 10000),
        ("2014-12-31T23:59:59.500", -15000000),
        ("2024-11-09T05:44:39.009-12", 5095381361064068726),
        ("2024-11-09T05:44:39", 3117459196499049619),
        ("BOT_FLAT_12", 2457884771267213311),
        ("BOT_FLAT_13", 6724520052331569711),
        ("", 3389355817605564100),
    ],
)
def test_visits_are_numbered_as_officially(group: str, expected: int) -> None:
    assert visit_number(group) == expected


@pytest.mark.parametrize(
    ("summer_begins", "summer_ends"),
    [  # UTC, as the US Naval Observatory lists them
        ("2018-03-11T10:00", "2018-11-04T09:00"),
        ("2019-03-10T10:00", "2019-11-03T09:00"),
        ("2020-03-08T10:00", "2020-11-01T09:00"),
        ("2021-03-14T10:00", "2021-11-07T09:00"),
        ("2022-03-13T10:00", "2022-11-06T09:00"),
        ("2023-03-12T10:00", "2023-11-05T09:00"),
        ("2024-03-10T10:00", "2024-11-03T09:00"),
    ],
)
def test_laboratory_days_follow_daylight_saving_time(summer_begins: str, summer_ends: str) -> None:
    second = datetime.timedelta(seconds=1)
    begins, ends = (
        datetime.datetime.fromisoformat(summer_begins),
        datetime.datetime.fromisoformat(summer_ends),
    )
    assert [pacific_hours(moment) for moment in (begins - second, begins, ends - second, ends)] == [
        8,
        7,
        7,
        8,
    ]


@pytest.mark.parametrize(
    ("instrument", "observation", "expected"),
    [
        ("LSSTComCam", "CC_O_20241108_000240", {}),
        ("LSSTComCam", "CC_O_20241108_000241", {"GROUPID": "2024-11-09T05:44:39.009#2"}),
        ("LSSTComCam", "CC_O_20241108_000243", {"GROUPID": "2024-11-09T05:44:39.009#2"}),
        ("LSSTComCam", "CC_O_20241108_000244", {}),
        ("LSSTComCam", "CC_O_20241111_000227", {"GROUPID": "2024-11-12T06:45:41.910#1"}),
        ("LSSTComCam", "CC_O_20241111_000228", {"GROUPID": "2024-11-12T06:45:41.910#2"}),
        ("LSSTComCam", "CC_O_20241025_000046", {}),
        ("LSSTComCam", "CC_O_20241025_000047", {"ROTPA": 128.938633}),
        ("LSSTComCam", "CC_O_20241025_000126", {"ROTPA": 160.895529}),
        ("LSSTComCam", "CC_O_20241025_000127", {}),
        ("LSSTComCam", "MC_O_20250522_000139", {}),
        ("LSSTCam", "MC_O_20250522_000138", {"GROUPID": "2025-05-23T00:28:42.492"}),
        ("LSSTCam", "MC_O_20250522_000147", {"GROUPID": "2025-05-23T00:28:42.492#9"}),
        ("LSSTCam", "MC_O_20250522_000148", {}),
        ("LSSTCam", "MC_O_20250523_000138", {}),
        ("LSSTCam", "CC_O_20241108_000241", {}),
        ("LSSTCam-imSim", "204595", {}),
    ],
)
def test_known_corrections(instrument: str, observation: str, expected: dict[str, object]) -> None:
    assert known_correction(instrument, observation) == expected


def test_as_many_corrections_as_obs_lsst_has() -> None:
    days = [int(f"202411{day:02d}") for day in range(1, 31)]
    corrected = Counter[str]()
    for day in [20241025, *days]:
        for number in range(1, 600):
            corrected.update(known_correction("LSSTComCam", f"CC_O_{day}_{number:06d}").keys())
    assert corrected == {"GROUPID": 1832, "ROTPA": 80}
    lost = known_correction("LSSTCam", "MC_O_20250718_000033")
    assert (lost["TRACKSYS"], lost["RADESYS"], lost["FILTER"], len(lost)) == ("RADEC", "ICRS", "g_6", 38)
