"""A server that takes uploads as OSS does and refuses all that is not exactly right.

It works out the signature of every request with the signer of the official SDK, from the bytes of the request line and not
from anything that our program says about itself. It also refuses what OSS lets pass or never documents: an encoding that
is not canonical, a transfer coding, a body without its length, a header that it does not know. It keeps everything
in memory and remembers each refusal.
"""

import base64
import datetime
import hashlib
import http.server
import re
import threading
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

import alibabacloud_oss_v2 as oss
from alibabacloud_oss_v2.signer import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext

# What an upload needs to send, in lower case; `x-oss-meta-` and a name is allowed too.
KNOWN_HEADERS = {
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "expect",
    "host",
    "user-agent",
    "x-oss-content-sha256",
    "x-oss-date",
    "x-oss-forbid-overwrite",
    "x-oss-security-token",
}
KNOWN_QUERIES = {
    "encoding-type",
    "key-marker",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "upload-id-marker",
    "uploadId",
    "uploads",
}
AUTHORIZATION = re.compile(
    r"OSS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/oss/aliyun_v4_request"
    r"(,AdditionalHeaders=(?P<additional>[a-z0-9;-]+))?,Signature=[0-9a-f]{64}"
)
# How far the clocks of client and server may be apart.
SKEW = datetime.timedelta(minutes=15)


class Refused(Exception):
    """A request that is not answered as asked, with OSS's status and code and a reason for the reader of a test."""

    def __init__(self, status, code, reason):
        super().__init__(f"{status} {code}: {reason}")
        self.status, self.code, self.reason = status, code, reason


class StrictServer(http.server.ThreadingHTTPServer):
    """Listens on a free port of the loopback interface until it is closed."""

    daemon_threads = True

    def __init__(self, access_key_id, access_key_secret, region):
        super().__init__(("127.0.0.1", 0), Handler)
        self.credentials = oss.credentials.Credentials(access_key_id, access_key_secret)
        self.region = region
        self.lock = threading.Lock()
        self.objects = {}  # (bucket, key): bytes
        self.uploads = {}  # upload id: (bucket, key, {number: bytes})
        self.served = []  # "METHOD what", of each request that was carried out
        self.refusals = []  # the text of each refusal
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}"

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "AliyunOSS", ""

    def log_message(self, *_):
        pass

    def handle_expect_100(self):
        return True  # The head is judged first; `body` sends the 100.

    def do_any(self):
        self.body_was_read = False
        try:
            self.answer()
        except Refused as refused:
            with self.server.lock:
                self.server.refusals.append(f"{self.requestline}: {refused}")
            body = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.reason)}</Message>"
            body += "<RequestId>000000000000000000000000</RequestId><HostId>strict</HostId></Error>"
            # What may be left of a body would be read as the next request.
            self.close_connection = self.close_connection or not self.body_was_read
            self.reply(refused.status, body.encode(), {"Content-Type": "application/xml"})

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any

    def answer(self):
        # The standard library folds slashes at the start of the path; the request line still has them.
        target = self.requestline.split(" ")[1]
        raw_path, _, raw_query = target.partition("?")
        if not raw_path.startswith("/") or "#" in target:
            raise Refused(400, "InvalidURI", f"the target {target!r} is not a path with a query")
        raw_bucket, slash, raw_key = raw_path[1:].partition("/")
        bucket, key = decoded(raw_bucket, safe=""), decoded(raw_key, safe="/") if slash else None
        query = pairs(raw_query)
        self.check_headers()
        self.check_signature(target, bucket, key or None, slash)
        body = self.body()
        self.carry_out(bucket, key or None, query, body)

    def check_headers(self):
        names = [name.lower() for name in self.headers.keys()]
        for name in names:
            if name not in KNOWN_HEADERS and not re.fullmatch(r"x-oss-meta-[a-z0-9-]+", name):
                raise Refused(400, "InvalidArgument", f"the header {name} is not known")
            if names.count(name) > 1:
                raise Refused(400, "InvalidArgument", f"the header {name} came twice")
        if self.headers["Host"] != f"127.0.0.1:{self.server.server_port}":
            raise Refused(400, "InvalidArgument", f"the header host is {self.headers['Host']!r}")
        if "Connection" in self.headers and self.headers["Connection"].lower() not in ("keep-alive", "close"):
            raise Refused(400, "InvalidArgument", "the header connection holds something else than keep-alive or close")
        if "Expect" in self.headers and self.headers["Expect"].lower() != "100-continue":
            raise Refused(400, "InvalidArgument", "the header expect holds something else than 100-continue")

    def check_signature(self, target, bucket, key, slash):
        """Compares the whole Authorization header with the one that the official signer makes of the same request."""
        came = self.headers.get("Authorization", "")
        fields = AUTHORIZATION.fullmatch(came)
        if fields is None:
            raise Refused(403, "InvalidArgument", f"the header authorization is {came!r}")
        if self.headers.get("x-oss-content-sha256") != "UNSIGNED-PAYLOAD":
            raise Refused(400, "InvalidArgument", "x-oss-content-sha256 is not UNSIGNED-PAYLOAD")
        at = datetime.datetime.strptime(self.headers["x-oss-date"], "%Y%m%dT%H%M%SZ")
        at = at.replace(tzinfo=datetime.timezone.utc)
        if abs(datetime.datetime.now(datetime.timezone.utc) - at) > SKEW:
            raise Refused(403, "RequestTimeTooSkewed", f"x-oss-date is {at}")
        additional = (fields["additional"] or "").split(";") if fields["additional"] else []
        if additional != sorted(set(additional)):
            raise Refused(403, "InvalidArgument", f"additional headers are not in order: {additional}")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("authorization", "date")}
        headers = {name.lower(): value for name, value in headers.items()}
        request = HttpRequest(self.command, f"{self.server.endpoint}{target}", headers=headers)
        context = SigningContext(
            product="oss",
            region=self.server.region,
            bucket=bucket if bucket else None,
            key=key,
            request=request,
            credentials=self.server.credentials,
            signing_time=at,
            additional_headers=set(additional),
        )
        SignerV4().sign(context)
        expected = request.headers["Authorization"]
        if came != expected:
            raise Refused(403, "SignatureDoesNotMatch", f"{came!r} came, {expected!r} was expected")
        if bucket and not slash:
            raise Refused(400, "InvalidURI", "a bucket is addressed with a slash behind it")

    def body(self):
        """The body, by its stated length; nothing may follow it but the next request."""
        if "Transfer-Encoding" in self.headers:
            raise Refused(501, "NotImplemented", "a transfer coding was used")
        length = self.headers.get("Content-Length")
        if length is None:
            if self.command in ("PUT", "POST"):
                raise Refused(411, "MissingContentLength", "a body without its length")
            length = "0"
        if not re.fullmatch(r"0|[1-9]\d*", length):
            raise Refused(400, "InvalidArgument", f"the content length is {length!r}")
        if self.command in ("GET", "HEAD", "DELETE") and length != "0":
            raise Refused(400, "InvalidArgument", f"{self.command} has a body")
        if "Expect" in self.headers:
            self.send_response_only(100)
            self.end_headers()
        data = self.rfile.read(int(length))
        if len(data) != int(length):
            raise Refused(400, "IncompleteBody", f"{length} bytes were stated and {len(data)} came")
        self.body_was_read = True
        digest = base64.b64encode(hashlib.md5(data).digest()).decode()
        if self.headers.get("Content-MD5", digest) != digest:
            raise Refused(400, "InvalidDigest", "the body does not agree with its content-md5")
        return data

    def carry_out(self, bucket, key, query, body):
        """The operations of an upload; what they mean is told by method and query alone."""
        names = set(query)
        for name in names - KNOWN_QUERIES:
            raise Refused(400, "InvalidArgument", f"the query {name} is not known")
        with self.server.lock:
            match (self.command, key is not None):
                case ("PUT", True) if not names:
                    self.done("PutObject")
                    self.server.objects[bucket, key] = body
                    self.stored(body)
                case ("PUT", True) if names == {"partNumber", "uploadId"}:
                    parts = self.upload(bucket, key, query)
                    self.done("UploadPart")
                    parts[int(query["partNumber"])] = body
                    self.stored(body)
                case ("POST", True) if names <= {"uploads", "encoding-type"} and "uploads" in names:
                    upload_id = f"{len(self.server.uploads) + 1:032X}"
                    self.server.uploads[upload_id] = (bucket, key, {})
                    self.done("InitiateMultipartUpload")
                    self.document("InitiateMultipartUploadResult", query, Bucket=bucket, Key=key, UploadId=upload_id)
                case ("POST", True) if names <= {"uploadId", "encoding-type"} and "uploadId" in names:
                    self.complete(bucket, key, query, body)
                case ("GET", True) if "uploadId" in names:
                    self.list_parts(bucket, key, query)
                case ("DELETE", True) if names == {"uploadId"}:
                    self.upload(bucket, key, query)
                    del self.server.uploads[query["uploadId"]]
                    self.done("AbortMultipartUpload")
                    self.reply(204, b"", {})
                case ("HEAD", True) if not names:
                    self.head(bucket, key)
                case ("GET", False) if "uploads" in names:
                    self.list_uploads(bucket, query)
                case _:
                    raise Refused(501, "NotImplemented", "an upload needs no such operation")

    def upload(self, bucket, key, query):
        found = self.server.uploads.get(query["uploadId"])
        if found is None or found[:2] != (bucket, key):
            raise Refused(404, "NoSuchUpload", f"{query['uploadId']} of {key!r}")
        return found[2]

    def complete(self, bucket, key, query, body):
        parts = self.upload(bucket, key, query)
        named = []
        for part in xml.etree.ElementTree.fromstring(body).iter("Part"):
            number, tag = int(part.findtext("PartNumber")), part.findtext("ETag")
            if number not in parts or tag.strip('"') != etag(parts[number]).strip('"'):
                raise Refused(400, "InvalidPart", f"part {number} with ETag {tag}")
            named.append(number)
        if named != sorted(set(named)) or not named:
            raise Refused(400, "InvalidPartOrder", f"parts {named}")
        data = b"".join(parts[number] for number in named)
        self.server.objects[bucket, key] = data
        del self.server.uploads[query["uploadId"]]
        self.done("CompleteMultipartUpload")
        crc = {"x-oss-hash-crc64ecma": str(crc64(data))}
        self.document("CompleteMultipartUploadResult", query, crc, Bucket=bucket, Key=key, ETag=etag(data))

    def list_parts(self, bucket, key, query):
        parts = sorted(self.upload(bucket, key, query).items())
        after, most = int(query.get("part-number-marker") or 0), int(query.get("max-parts") or 1000)
        rest = [(number, data) for number, data in parts if number > after]
        page = "".join(
            f"<Part><PartNumber>{number}</PartNumber><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(etag(data))}</ETag><HashCrc64ecma>{crc64(data)}</HashCrc64ecma>"
            f"<Size>{len(data)}</Size></Part>"
            for number, data in rest[:most]
        )
        self.done("ListParts")
        self.document(
            "ListPartsResult",
            query,
            Bucket=bucket,
            Key=key,
            UploadId=query["uploadId"],
            PartNumberMarker=after,
            NextPartNumberMarker=rest[:most][-1][0] if rest else after,
            MaxParts=most,
            IsTruncated="true" if len(rest) > most else "false",
            inner=page,
        )

    def list_uploads(self, bucket, query):
        prefix = query.get("prefix", "")
        after = (query.get("key-marker", ""), query.get("upload-id-marker", ""))
        most = int(query.get("max-uploads") or 1000)
        found = [
            (key, upload_id)
            for upload_id, (home, key, _) in self.server.uploads.items()
            if home == bucket and key.startswith(prefix) and (key, upload_id) > after
        ]
        found.sort()
        page = "".join(
            f"<Upload><Key>{text(key, query)}</Key><UploadId>{upload_id}</UploadId>"
            "<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
            for key, upload_id in found[:most]
        )
        last = found[:most][-1] if found else ("", "")
        self.done("ListMultipartUploads")
        self.document(
            "ListMultipartUploadsResult",
            query,
            Bucket=bucket,
            KeyMarker=after[0],
            UploadIdMarker=after[1],
            NextKeyMarker=last[0],
            NextUploadIdMarker=last[1],
            Prefix=prefix,
            MaxUploads=most,
            IsTruncated="true" if len(found) > most else "false",
            inner=page,
        )

    def head(self, bucket, key):
        self.done("HeadObject")
        data = self.server.objects.get((bucket, key))
        if data is None:
            self.reply(404, b"", {"x-oss-ec": "0026-00000001"})
            return
        headers = {"ETag": etag(data), "x-oss-hash-crc64ecma": str(crc64(data)), "Content-Length": str(len(data))}
        self.reply(200, b"", headers)

    def done(self, operation):
        self.server.served.append(operation)

    def stored(self, data):
        self.reply(200, b"", {"ETag": etag(data), "x-oss-hash-crc64ecma": str(crc64(data))})

    def document(self, root, query, headers=None, inner="", **fields):
        encoded = {"Key", "KeyMarker", "NextKeyMarker", "Prefix"}
        lines = [
            f"<{name}>{text(value, query) if name in encoded else escape(str(value))}</{name}>"
            for name, value in fields.items()
        ]
        if query.get("encoding-type") == "url":
            lines.insert(0, "<EncodingType>url</EncodingType>")
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{"".join(lines)}{inner}</{root}>'
        self.reply(200, body.encode(), {"Content-Type": "application/xml", **(headers or {})})

    def reply(self, status, body, headers):
        self.send_response(status)
        self.send_header("x-oss-request-id", f"{len(self.server.served):024X}")
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def decoded(raw, safe):
    """What a part of the target means, if it is written in the one canonical way."""
    value = urllib.parse.unquote(raw, errors="strict")
    if urllib.parse.quote(value, safe=safe) != raw:
        raise Refused(400, "InvalidURI", f"{raw!r} is not how {value!r} is written")
    return value


def pairs(raw):
    """The query, decoded."""
    query = {}
    for pair in raw.split("&") if raw else []:
        name, _, value = pair.partition("=")
        name = decoded(name, safe="")
        if name in query:
            raise Refused(400, "InvalidArgument", f"the query {name} came twice")
        query[name] = decoded(value, safe="")
    return query


def text(value, query):
    """A key in an answer: percent-encoded if that was asked for."""
    if query.get("encoding-type") == "url":
        return urllib.parse.quote(value, safe="")
    return escape(value)


def etag(data):
    return f'"{hashlib.md5(data).hexdigest().upper()}"'


def crc64(data):
    crc = oss.crc.Crc64(0)
    crc.update(data)
    return crc.sum64()
