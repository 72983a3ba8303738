"""nginx as people have it on a host before Homeport comes, and what it must go on doing."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from provisioning.lab import LabHost

INSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq; apt-get install -qq -y nginx libnginx-mod-stream openssl >/dev/null 2>&1
"""

NGINX_CONF = """
cat > /etc/nginx/nginx.conf <<'END'
user www-data;
worker_processes 2;
pid /run/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 700; }
stream {
    upstream numbers { server 127.0.0.1:9000; }
    server { listen 7000; proxy_pass numbers; }
}
http {
    include mime.types;
    default_type text/plain;
    log_format main '$remote_addr - "$request" $status';
    access_log /var/log/nginx/access.log main;
    sendfile on;
    keepalive_timeout 7 9;
    client_header_timeout 33s;
    gzip on;
    gzip_types text/plain;
    add_header X-Whole-Host yes;
    include /etc/nginx/conf.d/*.conf;
    include /etc/nginx/sites-enabled/*;
}
END
"""
"""A nginx.conf of a person's own."""

SITES = """
mkdir -p /home/blog/www /etc/nginx/apps /etc/nginx/homeport /var/log/blog
echo 'the blog' > /home/blog/www/index.html
seq 2000 > /home/blog/www/numbers.txt
chmod 755 /home/blog
cat > /etc/nginx/conf.d/upstreams.conf <<'END'
upstream backend { server 127.0.0.1:9000; keepalive 4; }
upstream app-hello { server 127.0.0.1:9000; }
END
# Names that Homeport's own once had.
cat > /etc/nginx/conf.d/proxy.conf <<'END'
map $http_upgrade $proxy_connection { default keep-alive; }
END
cat > /etc/nginx/conf.d/limits.conf <<'END'
map $binary_remote_addr $visitor { default $binary_remote_addr; }
limit_conn_zone $visitor zone=visitors:1m;
limit_req_zone $visitor zone=app-hello:1m rate=1000r/s;
END
cat > /etc/nginx/sites-available/blog <<'END'
server {
    listen 80;
    server_name blog.example www.blog.example;
    root /home/blog/www;
    access_log /var/log/blog/access.log combined;
    add_header X-Blog 1;
    error_page 404 =410 /index.html;
    location /numbers { expires 1h; }
}
END
ln -s ../sites-available/blog /etc/nginx/sites-enabled/blog
cat > /etc/nginx/sites-enabled/api <<'END'
server {
    listen 80;
    server_name api.example;
    limit_conn visitors 40;
    location / {
        limit_req zone=app-hello burst=100 nodelay;
        proxy_pass http://backend;
        proxy_set_header Connection $proxy_connection;
    }
}
server {
    listen 127.0.0.1:9000;
    default_type application/json;
    add_header Server-Is backend;
    return 200 '{"numbers": [1, 2, 3], "host": "$host"}';
}
END
cat > /etc/nginx/sites-enabled/whoever <<'END'
server {
    listen 80 default_server;
    return 418 "who is $host\\n";
}
END
echo '# kept for later' > /etc/nginx/apps/mine.conf
rm -f /etc/nginx/sites-enabled/default
"""

SITES_TLS = """
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=shop.example \\
    -keyout /etc/ssl/private/shop.key -out /etc/ssl/certs/shop.pem 2>/dev/null
cat > /etc/nginx/sites-enabled/shop <<'END'
server {
    listen 443 ssl;
    server_name shop.example;
    ssl_certificate /etc/ssl/certs/shop.pem;
    ssl_certificate_key /etc/ssl/private/shop.key;
    ssl_protocols TLSv1.2;
    add_header X-Shop 1;
    return 200 'the shop\\n';
}
END
"""
"""No default_server: whoever asks for another name gets the shop, which is the first."""

START = "nginx -t -q && systemctl restart nginx"

ELSEWHERE = """
systemctl stop nginx
sed 's#/var/lib/nginx#/var/cac/nginx#g' /usr/sbin/nginx > /root/patched
cat /root/patched > /usr/sbin/nginx
rm -r /var/lib/nginx; mkdir -p /var/cac/nginx
"""
"""An nginx that was built to have its temporary files elsewhere."""

NGINX_ORG = (
    ELSEWHERE
    + """
rm -r /etc/nginx/sites-* /etc/nginx/modules-* /etc/nginx/snippets
useradd --system --no-create-home --shell /usr/sbin/nologin nginx
cat > /etc/nginx/nginx.conf <<'END'
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    log_format main '$remote_addr [$time_local] "$request" $status';
    access_log /var/log/nginx/access.log main;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
END
cat > /etc/nginx/conf.d/default.conf <<'END'
server {
    listen 80;
    server_name localhost;
    location / { root /home/blog/www; }
}
END
mkdir -p /home/blog/www /var/log/blog; touch /var/log/blog/access.log
echo 'the blog' > /home/blog/www/index.html
chmod 755 /home/blog
cat > /lib/systemd/system/nginx.service <<'END'
[Unit]
Description=nginx of another source
After=network-online.target
[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStart=/usr/sbin/nginx -c /etc/nginx/nginx.conf
ExecReload=/bin/sh -c "/bin/kill -s HUP $(/bin/cat /run/nginx.pid)"
ExecStop=/bin/sh -c "/bin/kill -s TERM $(/bin/cat /run/nginx.pid)"
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
"""
)
"""The layout of nginx.org's packages: no folder of sites, a user and a unit of their own."""

FILES = (
    "find /etc/nginx /home/blog /lib/systemd/system/nginx.service /etc/systemd/system/nginx* "
    "-not -type d -exec stat -c '%n %F %a %U:%G %y %N' {} + -type f -exec sha256sum {} + | sort"
)
"""Every file of theirs: its mode, owner, time and content."""

PLAIN = (
    ("blog.example", "/"),
    ("www.blog.example", "/numbers.txt"),
    ("blog.example", "/nowhere"),
    ("api.example", "/x?y=1"),
    ("unknown.example", "/"),
    ("", "/"),
)
"""Name and path of what is asked for over HTTP."""

ENCRYPTED = (("shop.example", "/"), ("unknown.example", "/"))

VOLATILE = ("date", "expires")


def answer(host: LabHost, name: str, path: str, *, tls: bool = False) -> tuple:
    """Return status, headers and body of an answer, and what TLS came to."""
    made = http.client.HTTPConnection(name or host.address, timeout=20)
    made.sock = socket.create_connection((host.address, 443 if tls else 80), timeout=20)
    how: tuple = ()
    with made.sock:
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2", "http/1.1"])
            made.sock = context.wrap_socket(made.sock, server_hostname=name)
            how = (
                made.sock.version(),
                made.sock.selected_alpn_protocol(),
                made.sock.getpeercert(binary_form=True),
            )
            if how[1] == "h2":
                return how
        made.request("GET", path, headers={"Accept-Encoding": "gzip"})
        got = made.getresponse()
        headers = [pair for pair in got.getheaders() if pair[0].lower() not in VOLATILE]
        return got.status, headers, got.read(), how


@dataclass
class Kept:
    """What was seen of others' before, to be compared with what is there later.

    Args:
        host: The host.
        tls: Whether they have a site over HTTPS.
        stream: Whether they have a stream on port 7000.
    """

    host: LabHost
    tls: bool = False
    stream: bool = True
    answers: dict = field(init=False)
    files: set[str] = field(init=False)
    service: str = field(init=False)
    sockets: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.answers = self._answers()
        self.files = self._files()
        self.service = self._service()
        self.sockets = self._sockets()

    def must_be_kept(self) -> None:
        now = self._answers()
        differs = {each: (now[each], was) for each, was in self.answers.items() if now[each] != was}
        assert not differs, differs
        gone = self.files - self._files()
        assert not gone, gone
        # Neither restarted nor in a sandbox that was not there.
        service = self._service()
        assert service == self.service, service
        # Whoever was refused over IPv6, and so came over IPv4, is refused still.
        assert not {each for each in self._sockets() - self.sockets if each.endswith("v6 80")}

    def _answers(self) -> dict:
        asked = [(*each, False) for each in PLAIN]
        asked += [(*each, True) for each in ENCRYPTED] if self.tls else []
        return {each: answer(self.host, each[0], each[1], tls=each[2]) for each in asked} | (
            {"stream": self._stream()} if self.stream else {}
        )

    def _stream(self) -> bytes:
        with socket.create_connection((self.host.address, 7000), timeout=20) as made:
            made.sendall(b"GET / HTTP/1.0\r\nHost: numbers\r\n\r\n")
            return b"".join(iter(lambda: made.recv(4096), b"")).partition(b"\r\n\r\n")[2]

    def _files(self) -> set[str]:
        return set(self.host.shell(FILES, check=False).splitlines())

    def _service(self) -> str:
        return self.host.shell(
            "systemctl show nginx --property=MainPID,ActiveEnterTimestampMonotonic,DropInPaths"
        )

    def _sockets(self) -> set[str]:
        found = set()
        for table, family in (("tcp", "v4"), ("tcp6", "v6")):
            for line in self.host.shell(f"cat /proc/net/{table}").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    found.add(f"{family} {int(fields[1].rpartition(':')[2], 16)}")
        return found


@contextmanager
def readers(host: LabHost) -> Iterator[list[str]]:
    """Ask others' sites all the time; yield the list of what went wrong."""
    wrong: list[str] = []
    over = threading.Event()

    def read() -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                got = answer(host, *PLAIN[number % 4])
            except OSError as error:
                wrong.append(repr(error))
            else:
                if got[0] not in (200, 410):
                    wrong.append(str(got))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()
