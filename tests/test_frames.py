from __future__ import annotations

from trainwatch.frames import innermost, is_disk_full, is_library

OWN = '  File "/home/me/train.py", line 18, in main\n    go()\n'
LIBRARY = '  File "/env/lib/python3.11/site-packages/torch/x.py", line 7, in call\n    raise\n'


def test_the_innermost_own_frame_goes_before_library_code() -> None:
    assert innermost(OWN + LIBRARY) == ("/home/me/train.py", "18", "main")
    assert innermost(LIBRARY) == ("/env/lib/python3.11/site-packages/torch/x.py", "7", "call")
    assert innermost("ValueError: no frame") is None


def test_installed_and_standard_code_is_a_librarys() -> None:
    assert is_library("/usr/lib/python3.11/json/decoder.py")
    assert is_library("<frozen runpy>")
    assert not is_library("/home/me/train.py")


def test_a_full_disk_is_known_by_what_the_system_says() -> None:
    assert is_disk_full("OSError: [Errno 28] No space left on device: 'last.pt'")
    assert is_disk_full("OSError: [Errno 122] Disk quota exceeded")
    assert not is_disk_full("OSError: [Errno 13] Permission denied")
