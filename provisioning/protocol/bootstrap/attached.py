# A program of an app and the person who watches it: what one types and the other prints, as
# frames over our own stdin and stdout. Handed to the host's Python on its command line.
# Argument: marker for the line after which the frames begin.
#
#   type 1 byte, length 4 bytes, big-endian, and so many bytes
#
#   to us     S {"unit", "argv", "stop", "size"}: what to start, first of all; size: on a terminal
#             D input    E end of input    W [lines, columns]: the terminal has changed
#   from us   1 and 2: what it printed    X its exit status: the last of all
#
# The end of our stdin without a word is the end of the program: a person who is gone leaves
# nothing behind.
import errno
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios

CHUNK = 1 << 16
# More input than this waits where it comes from.
FULL = 1 << 20
LOOK_UP_MS = 1000
# Nothing of the login user's.
CLEAN = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}


class GoneError(Exception):
    pass


def write(fd, data):
    while data:
        data = data[os.write(fd, data) :]


def send(kind, data):
    try:
        write(1, struct.pack("!cI", kind, len(data)) + data)
    except OSError:
        raise GoneError from None


class Frames:
    def __init__(self):
        self.data = b""

    def feed(self):
        part = os.read(0, CHUNK)
        if not part:
            raise GoneError
        self.data += part

    def __iter__(self):
        while len(self.data) >= 5:
            kind, length = struct.unpack_from("!cI", self.data)
            if len(self.data) < 5 + length:
                return
            body, self.data = self.data[5 : 5 + length], self.data[5 + length :]
            yield kind, body


def resize(fd, size):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))


def start(argv, size):
    """Return the process, where its input goes and what its outputs are: descriptor -> kind."""
    if size is None:
        pipe = subprocess.PIPE
        child = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=CLEAN)
        outputs = {child.stdout.fileno(): b"1", child.stderr.fileno(): b"2"}
        return child, child.stdin.fileno(), outputs
    ours, theirs = os.openpty()
    resize(theirs, size)

    def own_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    child = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=CLEAN,
        start_new_session=True, preexec_fn=own_terminal,
    )  # fmt: skip
    os.close(theirs)
    return child, ours, {ours: b"1"}


def read(fd):
    try:
        return os.read(fd, CHUNK)
    except OSError as error:
        # A terminal that nobody has open any more. Source: pty(7).
        if error.errno == errno.EIO:
            return b""
        raise


def attend(frames, child, stdin, outputs):
    os.set_blocking(stdin, False)
    is_terminal = stdin in outputs
    pending, ended, closed = b"", False, False
    while outputs:
        for kind, body in frames:
            if kind == b"D":
                pending += body
            elif kind == b"E":
                ended = True
            elif kind == b"W" and is_terminal:
                resize(stdin, json.loads(body))
        if ended and not pending and not closed and not is_terminal:
            os.close(stdin)
            closed = True
        poll = select.poll()
        # That the other side hangs up is told even while nothing is read from it.
        poll.register(0, select.POLLIN if len(pending) < FULL else 0)
        for fd in outputs:
            poll.register(fd, select.POLLIN)
        if pending and not closed:
            poll.register(stdin, select.POLLOUT | (select.POLLIN if is_terminal else 0))
        events = dict(poll.poll(LOOK_UP_MS))
        if events.get(0, 0) & select.POLLIN:
            frames.feed()
        elif events.get(0, 0):
            raise GoneError
        for fd in list(outputs):
            if events.get(fd, 0) & ~select.POLLOUT:
                data = read(fd)
                if data:
                    send(outputs[fd], data)
                else:
                    del outputs[fd]
        if pending and not closed and events.get(stdin, 0) & (select.POLLOUT | select.POLLERR):
            try:
                pending = pending[os.write(stdin, pending[:CHUNK]) :]
            except BlockingIOError:
                pass
            except OSError:
                # It reads no more; what is still to come is for nobody.
                pending, closed = b"", not is_terminal
                if closed:
                    os.close(stdin)
    return child.wait()


def main():
    frames = Frames()
    write(1, b"\n" + sys.argv[1].encode() + b"\n")
    child = settings = None
    try:
        while settings is None:
            frames.feed()
            for _, body in frames:
                settings = json.loads(body)
                break
        child, stdin, outputs = start(settings["argv"], settings["size"])
        status = attend(frames, child, stdin, outputs)
        send(b"X", b"%d" % (status if status >= 0 else 128 - status))
    except GoneError:
        pass
    finally:
        if child:
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
            subprocess.call(settings["stop"], stderr=subprocess.DEVNULL, env=CLEAN, **quiet)
            child.kill()
            child.wait()


main()
