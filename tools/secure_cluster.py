"""Certificates, keys and passwords of `tools/cluster up --secure`, all made for one cluster, in its directory: an authority of its
own, a certificate for the servers of this machine, one for each role, an NKey for each role, and the database's password."""

import base64
import os
import pathlib
import secrets
import subprocess

from nats_permissions import PERMISSIONS

ROLES = tuple(PERMISSIONS)
SERVER = "server"  # of nats-server, PostgreSQL and nginx
PREFIX_OF_SEED, PREFIX_OF_USER = 18 << 3, 20 << 3  # github.com/nats-io/nkeys


def checksum(data):  # CRC-16/XMODEM
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc.to_bytes(2, "little")


def written(prefix, key):
    return base64.b32encode(prefix + key + checksum(prefix + key)).decode().rstrip("=")


class Identities:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def file(self, name):
        return self.directory / name

    @property
    def authority(self):
        return self.file("ca.crt")

    def certificate(self, name):
        return self.file(f"{name}.crt"), self.file(f"{name}.key")

    def seed(self, role):
        return self.file(f"{role}.nk")

    def user(self, role):
        return self.file(f"{role}.nkey").read_text().strip()

    @property
    def password(self):
        return self.file("postgres.password").read_text().strip()

    def make(self):
        if self.file("made").exists():
            return
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj",
                     "/CN=reliant cluster", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.file("ca.key"), "-out",
                     self.authority)
        self.sign(SERVER, "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        for role in ROLES:
            self.sign(role, "extendedKeyUsage=clientAuth\n")
            self.make_nkey(role)
        self.write("postgres.password", secrets.token_hex(32))
        self.write("made", "")

    def write(self, name, text):
        self.file(name).touch(mode=0o600)
        self.file(name).write_text(text + "\n")

    def openssl(self, *words):
        return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True).stdout

    def sign(self, name, extensions):
        certificate, key = self.certificate(name)
        request, about = self.file(f"{name}.csr"), self.file(f"{name}.ext")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", key, "-out", request)
        about.write_text("basicConstraints=critical,CA:FALSE\n" + extensions)
        self.openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self.file("ca.key"), "-CAcreateserial", "-days",
                     "3650", "-extfile", about, "-out", certificate)
        os.chmod(key, 0o600)

    def make_nkey(self, role):
        private = self.file(f"{role}.ed25519")
        self.openssl("genpkey", "-algorithm", "ed25519", "-outform", "DER", "-out", private)
        seed = private.read_bytes()[-32:]  # RFC 8410: the last octets of either form
        public = self.openssl("pkey", "-inform", "DER", "-in", private, "-pubout", "-outform", "DER")[-32:]
        private.unlink()
        prefix = bytes([PREFIX_OF_SEED | PREFIX_OF_USER >> 5, (PREFIX_OF_USER & 31) << 3])
        self.write(f"{role}.nk", written(prefix, seed))
        self.write(f"{role}.nkey", written(bytes([PREFIX_OF_USER]), public))
