"""`oss cp` against a server that works out every signature with the official signer and refuses all that is not exact."""

import datetime
import socket
import unittest

import alibabacloud_oss_v2 as oss
from alibabacloud_oss_v2.signer import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext

from oss_v2_sdk import begin, client
from scene import ACCESS_KEY_ID, ACCESS_KEY_SECRET, PART, REGION, copy, some_bytes, some_file
from strict_server import StrictServer

BUCKET = "interop-strict"
ODD_KEYS = [
    "plain.bin",
    "folder/a//b",
    "a///b",
    "..",
    "../up",
    "a/./b/../c",
    "100%",
    "100%25 and %2F",
    "1+1=2",
    "a?b",
    "a?versionId=1",
    "a#b",
    "with spaces  and more",
    " first and last ",
    "ü ñ é",
    "数据/文件 🦀.bin",
    "e\u0301 in two letters",
    "~!*'();:@&=$,[]",
    "quote\" <tag> &amp;",
    "back\\slash",
    "a{b}|c^`d",
]


class StrictSignatures(unittest.TestCase):
    def setUp(self):
        self.server = StrictServer(ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION)
        self.addCleanup(self.server.close)

    def cp(self, file, key, *options):
        return copy(
            file, BUCKET, key, "--bigfile-threshold", "150K", "--part-size", "100K", *options, endpoint=self.server.endpoint
        )

    def test_the_official_sdk_is_taken_and_a_wrong_secret_is_not(self):
        data = some_bytes(1000)
        client(self.server.endpoint).put_object(oss.PutObjectRequest(bucket=BUCKET, key="a//b +?#%", body=data))
        self.assertEqual(self.server.objects, {(BUCKET, "a//b +?#%"): data})
        with self.assertRaises(oss.exceptions.OperationError) as refused:
            stranger = client(self.server.endpoint, secret="another")
            stranger.put_object(oss.PutObjectRequest(bucket=BUCKET, key="refused", body=data))
        self.assertEqual(refused.exception.unwrap().code, "SignatureDoesNotMatch")
        self.assertEqual(len(self.server.refusals), 1)

    def check_raw(self, expected, target, key=None, method="PUT", body=b"bytes", at=None, region=REGION, **headers):
        """Signs a request with the official signer, puts it on the wire as it stands, and compares the status."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"host": self.server.endpoint[len("http://") :], "content-length": str(len(body)), **headers}
        headers = {name: value for name, value in headers.items() if value is not None}
        request = HttpRequest(method, self.server.endpoint + target, headers=dict(headers))
        context = SigningContext(
            product="oss",
            region=region,
            bucket=BUCKET,
            key=key,
            request=request,
            credentials=self.server.credentials,
            signing_time=at or datetime.datetime.now(datetime.timezone.utc),
        )
        SignerV4().sign(context)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        with socket.create_connection(("127.0.0.1", self.server.server_port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").readline().decode()
        self.assertEqual(answer.split(" ")[1], str(expected), (target, headers, self.server.refusals[-1:]))

    def test_what_is_not_exact_is_refused(self):
        path = f"/{BUCKET}/a/../b~%20c"
        long_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=20)
        self.check_raw(200, path, key="a/../b~ c")
        self.assertEqual(self.server.objects, {(BUCKET, "a/../b~ c"): b"bytes"})
        self.check_raw(403, path, key="b~ c")
        self.check_raw(403, path, key="a/../b~ c", region="cn-shanghai")
        self.check_raw(403, path, key="a/../b~ c", at=long_ago)
        self.check_raw(400, f"/{BUCKET}/a/../b%7E%20c", key="a/../b~ c")
        self.check_raw(400, path, key="a/../b~ c", x_oss_surprise="1")
        self.check_raw(400, path, key="a/../b~ c", x_surprise="1")
        self.check_raw(400, path, key="a/../b~ c", host="another.example")
        self.check_raw(400, path, key="a/../b~ c", content_length="6")
        self.check_raw(400, path, key="a/../b~ c", content_length="05")
        self.check_raw(411, path, key="a/../b~ c", content_length=None)
        self.check_raw(400, path, key="a/../b~ c", transfer_encoding="chunked", content_length=None)
        self.check_raw(400, path, key="a/../b~ c", content_md5="AAAAAAAAAAAAAAAAAAAAAA==")
        self.check_raw(501, path + "?uploads", key="a/../b~ c")
        self.check_raw(400, path + "?acl", key="a/../b~ c")
        self.check_raw(200, f"/{BUCKET}/?prefix=a%20b&uploads", method="GET", body=b"", content_length=None)
        self.check_raw(400, f"/{BUCKET}/?prefix=a+b&uploads", method="GET", body=b"", content_length=None)
        self.assertEqual(len(self.server.objects), 1)

    def test_odd_keys_of_small_files_arrive(self):
        for number, key in enumerate(ODD_KEYS):
            with self.subTest(key=key):
                data = some_bytes(1000 + number, seed=number)
                receipt = self.cp(some_file("small.bin", data), key)
                self.assertEqual(self.server.objects.get((BUCKET, key)), data)
                self.assertEqual(receipt["key"], key)
        self.assertEqual(self.server.refusals, [])
        self.assertEqual(len(self.server.objects), len(ODD_KEYS))

    def test_odd_keys_of_large_files_arrive(self):
        for number, key in enumerate(ODD_KEYS):
            with self.subTest(key=key):
                data = some_bytes(3 * PART + number, seed=number)
                receipt = self.cp(some_file("large.bin", data), key)
                self.assertEqual(self.server.objects.get((BUCKET, key)), data)
                self.assertEqual((receipt["key"], receipt["proof"]), (key, "parts+object"))
        self.assertEqual(self.server.refusals, [])
        self.assertEqual(self.server.uploads, {})

    def test_an_upload_that_the_sdk_began_is_finished(self):
        data = some_bytes(4 * PART + 1, seed=9)
        key = "数据/a//b +?#%"
        upload_id = begin(client(self.server.endpoint), BUCKET, key, {2: data[PART : 2 * PART]})
        before = len(self.server.served)
        receipt = self.cp(some_file("begun.bin", data), key)
        self.assertEqual(receipt["upload_id"], upload_id)
        self.assertEqual(self.server.objects, {(BUCKET, key): data})
        served = self.server.served[before:]
        self.assertIn("ListMultipartUploads", served)
        self.assertIn("ListParts", served)
        self.assertEqual(served.count("UploadPart"), 4)
        self.assertEqual(self.server.refusals, [])

    def test_empty_files_arrive(self):
        self.cp(some_file("empty.bin", b""), "empty")
        self.assertEqual(self.server.objects, {(BUCKET, "empty"): b""})
        self.assertEqual(self.server.refusals, [])


if __name__ == "__main__":
    unittest.main()
