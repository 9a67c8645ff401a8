import time
import pytest
@pytest.mark.parametrize("n", range(5))
def test_x(deployment, n):
    t=time.time(); print(deployment.prepare(), time.time()-t)
