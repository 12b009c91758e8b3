"""Each planted fault is caught, and the report names the step, the part, the tensor and the reason."""

import re

import pytest

from fivestep.verify import Comparison, verify
from tests.verify.faults import FAULTS
from tests.verify.planting import Fault
from tests.verify.samples import plan_for, rows_for

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.fixture
def report(fault: Fault) -> Comparison:
    data = rows_for(plan_for(**fault.plan), weighted=fault.weighted)
    found = verify(*fault.engines(), data, num_steps=8)
    assert isinstance(found, Comparison)
    return found


@every_fault
@pytest.mark.usefixtures("without_shape_checks")
def test_fault_is_caught_at_its_step_in_its_tensor_for_its_reason(fault: Fault, report: Comparison) -> None:
    assert not report.agrees
    assert report.first is not None
    assert (report.first.step, report.first.part, str(report.first.key)) == fault.found, str(report)
    assert re.search(fault.reason, report.reason), report.reason
