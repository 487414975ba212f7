"""What a submission may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    call_seconds : of one call, wall clock
    start_seconds : until the process is ready, with NumPy loaded
    total_seconds : of all calls and starts together
    memory_bytes : address space of the process, far above what its arrays need: PyTorch maps gigabytes
    file_bytes : of one file
    disk_bytes, files : of all files in its scratch folder
    open_files : descriptors
    threads : of the process
    output_bytes : that it may print before it is stopped
    reply_bytes : of one reply
    restarts : new processes after the first
    """

    call_seconds: float = 10.0
    start_seconds: float = 30.0
    total_seconds: float = 120.0
    memory_bytes: int = 4 << 30
    file_bytes: int = 16 << 20
    disk_bytes: int = 64 << 20
    files: int = 1000
    open_files: int = 128
    threads: int = 64
    output_bytes: int = 8 << 20
    reply_bytes: int = 64 << 20
    restarts: int = 20

    def resources(self) -> dict[str, int]:
        """What the kernel enforces, by the name of its resource."""
        return {
            "AS": self.memory_bytes,
            "CORE": 0,
            "CPU": int(self.total_seconds) + 1,
            "FSIZE": self.file_bytes,
            "NOFILE": self.open_files,
        }
