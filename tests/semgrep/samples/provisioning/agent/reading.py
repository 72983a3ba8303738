"""Good and bad lines for what-is-read-is-bounded.yml. Never imported."""

import gzip
import os
import subprocess
import urllib.request
import zlib

LIMIT = 1000


def bad(body, response, process, connection, sock, url):
    zlib.decompress(body)  # bad
    gzip.decompress(body)  # bad
    zlib.decompressobj().decompress(body)  # bad
    unpacker = zlib.decompressobj()
    unpacker.decompress(body)  # bad
    response.read()  # bad
    response.read(-1)  # bad
    connection.getresponse().read()  # bad
    sock.makefile().readline()  # bad
    urllib.request.urlopen(url).read()  # bad
    process.communicate(timeout=3)  # bad
    process.stderr.read()  # bad
    subprocess.run(["x"], capture_output=True, check=True)  # bad
    subprocess.run(["x"], stdout=subprocess.PIPE)  # bad
    subprocess.check_output(["x"])  # bad
    os.popen("x")  # bad


def good(body, response, process, connection, sock, path):
    zlib.decompressobj().decompress(body, LIMIT)
    unpacker = zlib.decompressobj()
    unpacker.decompress(body, LIMIT)
    response.read(LIMIT)
    connection.getresponse().read(LIMIT)
    sock.makefile().readline(LIMIT)
    process.stderr.read(LIMIT)
    zlib.compress(body)
    subprocess.run(["x"], stdout=subprocess.DEVNULL)
    with open(path) as file:
        file.read()
