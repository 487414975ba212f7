"""These tests need PyTorch, which set-up installs wherever it can be had."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'torch>=2.4'")
