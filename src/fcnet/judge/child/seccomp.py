"""A seccomp filter: the system calls that a submission has no use for fail with EPERM.

The list says what is refused, not what is allowed: NumPy, PyTorch and the C library use other calls on other
systems, and Landlock guards the files. Calls that are newer than this file do not exist for the submission.

A filter is a small program of the kernel's classic BPF: each instruction compares one number, of the call or
of its arguments, and jumps or returns.
"""

import ctypes
import os
import platform
import struct

REFUSED: dict[str, tuple[int, int | None]] = {
    # to start a process
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # to reach the network or another process by a socket
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    # to signal, read or change another process
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # to change what Landlock does not guard
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "truncate": (76, 45),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # to hold memory that no limit counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "userfaultfd": (323, 282),
    # to do work that a filter does not see
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "seccomp": (317, 277),
    # to change the surroundings or the system
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "fanotify_init": (300, 262),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "personality": (135, 92),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # to become somebody else
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setgroups": (116, 159),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
}
"""Number of each refused call, on x86_64 and on aarch64 (None where it has none)."""

ASKED: dict[str, tuple[int, int | None]] = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
}
"""Calls whose arguments decide."""

NEWEST = 462
"""mseal, of Linux 6.10: the numbers are the same on all systems from 424 on."""

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the tables, and what the kernel calls the architecture."""

LOAD, AND, EQUAL, ABOVE, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x25, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Where the kernel puts the call's number, the architecture and the six arguments of 8 bytes."""

ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38

CLONE_THREAD = 0x10000
O_ACCMODE, O_TRUNC = 0o3, 0o1000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
SECCOMP_MODE_FILTER = 2

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, the number compared with or returned."""


def filter_system_calls() -> bool:
    """Refuse from now on, in this thread and those that it starts; whether the system can.

    `PR_SET_NO_NEW_PRIVS` has to be set before.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    program = assemble(*ARCHITECTURES[machine], os.getpid())
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(packed, len(packed))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    pointer = ctypes.byref(Program(len(program), ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    done: int = libc.prctl(
        PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)
    )
    return done == 0


def assemble(column: int, architecture: int, own: int) -> list[Instruction]:
    """The filter for one architecture and a process with the number `own`."""
    program = [
        load(ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL_PROCESS),
        load(NUMBER),
        (ABOVE, 0, 1, NEWEST),
        (RETURN, 0, 0, ERRNO | ENOSYS),
    ]
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | EPERM)]
    for name, numbers in ASKED.items():
        if (number := numbers[column]) is not None:
            body = asked(name, own)
            program += [(EQUAL, 0, len(body), number), *body]
    return [*program, (RETURN, 0, 0, ALLOW)]


def asked(name: str, own: int) -> list[Instruction]:
    """What decides about a call by its arguments; ends with a return."""
    allow, refuse = (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ERRNO | EPERM)
    match name:
        case "clone":  # threads, no processes
            return [argument(0), (ANY_BIT, 0, 1, CLONE_THREAD), allow, refuse]
        case "clone3" | "openat2":  # their flags lie in memory; the C library falls back to the older calls
            return [(RETURN, 0, 0, ERRNO | ENOSYS)]
        case "kill" | "tgkill":  # itself alone
            return [argument(0), (EQUAL, 0, 1, own), allow, refuse]
        case "prctl":  # it ends with the judge, and nobody looks into it
            return [
                argument(0), (EQUAL, 2, 0, PR_SET_PDEATHSIG), (EQUAL, 1, 0, PR_SET_DUMPABLE), allow, refuse,
            ]  # fmt: skip
        case "prlimit64":  # its own limits, which have no way but down
            return [argument(0), (EQUAL, 1, 0, 0), (EQUAL, 0, 1, own), allow, refuse]
        case _:  # older kernels let a file that may only be read be emptied as it is opened
            flags = argument(1 if name == "open" else 2)
            return [
                flags, (ANY_BIT, 1, 0, O_TRUNC), allow,
                (AND, 0, 0, O_ACCMODE), (EQUAL, 1, 0, 0), allow, refuse,
            ]  # fmt: skip


def load(offset: int) -> Instruction:
    """Load 4 bytes of what the kernel tells of the call."""
    return (LOAD, 0, 0, offset)


def argument(number: int) -> Instruction:
    """Load the lower half of an argument; both architectures are little-endian."""
    return load(ARGUMENTS + 8 * number)
