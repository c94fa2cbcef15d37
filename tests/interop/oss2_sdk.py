"""oss2, the first official Python SDK, against the emulator, and uploads that it begins and `oss cp` finishes."""

import unittest

import oss2
from oss2.models import PartInfo

from scene import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ENDPOINT, FOLDER, PART, REGION, copy, some_bytes, some_file

BUCKET = "interop-oss2"


def auth():
    return oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET))


def uploads_of(bucket, key):
    return [found.upload_id for found in oss2.MultipartUploadIterator(bucket, prefix=key) if found.key == key]


class Oss2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bucket = oss2.Bucket(auth(), ENDPOINT, BUCKET, region=REGION, is_path_style=True)
        cls.bucket.create_bucket()

    def test_a_bucket_that_was_made_is_listed(self):
        service = oss2.Service(auth(), ENDPOINT, region=REGION)
        self.assertIn(BUCKET, [found.name for found in oss2.BucketIterator(service)])

    def test_an_object_comes_back_whole_and_in_ranges(self):
        data = some_bytes(70_000)
        put = self.bucket.put_object("folder/one object.bin", data, headers={"x-oss-meta-origin": "interop"})
        # The SDK compares the CRC-64 of what it sent and of what it reads by itself, and raises when they differ.
        self.assertIsNotNone(put.crc)
        self.assertEqual(self.bucket.get_object("folder/one object.bin").read(), data)
        for first, last in [(0, 0), (10, 4999), (69_999, 69_999), (60_000, None), (None, 500)]:
            answer = self.bucket.get_object("folder/one object.bin", byte_range=(first, last)).read()
            expected = data[-last:] if first is None else data[first : None if last is None else last + 1]
            self.assertEqual(answer, expected, (first, last))
        head = self.bucket.head_object("folder/one object.bin")
        self.assertEqual(head.content_length, len(data))
        self.assertEqual(head.etag, put.etag)
        self.assertEqual(head.headers["x-oss-meta-origin"], "interop")
        self.assertEqual(int(head.headers["x-oss-hash-crc64ecma"]), put.crc)

    def test_keys_come_back_as_they_were_given(self):
        keys = ["odd/a//b", "odd/ü ñ 数据", "odd/100% +1?#&=;.txt", "odd/<&>'\""]
        for key in keys:
            self.bucket.put_object(key, key.encode())
        for key in keys:
            self.assertEqual(self.bucket.get_object(key).read(), key.encode())
        self.assertEqual([found.key for found in oss2.ObjectIterator(self.bucket, prefix="odd/")], sorted(keys))
        pages = [found.key for found in oss2.ObjectIteratorV2(self.bucket, prefix="odd/", max_keys=1)]
        self.assertEqual(pages, sorted(keys))

    def test_folders_are_listed_as_common_prefixes(self):
        for key in ["tree/a/1", "tree/a/2", "tree/b/1", "tree/c"]:
            self.bucket.put_object(key, b"leaf")
        found = self.bucket.list_objects(prefix="tree/", delimiter="/")
        self.assertEqual(sorted(found.prefix_list), ["tree/a/", "tree/b/"])
        self.assertEqual([found.key for found in found.object_list], ["tree/c"])

    def test_a_deleted_object_is_gone(self):
        self.bucket.put_object("soon gone", b"bytes")
        self.bucket.delete_object("soon gone")
        self.assertFalse(self.bucket.object_exists("soon gone"))
        with self.assertRaises(oss2.exceptions.NoSuchKey):
            self.bucket.get_object("soon gone")

    def test_a_wrong_secret_is_refused(self):
        provider = oss2.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, "another")
        stranger = oss2.Bucket(oss2.ProviderAuthV4(provider), ENDPOINT, BUCKET, region=REGION, is_path_style=True)
        with self.assertRaises(oss2.exceptions.SignatureDoesNotMatch):
            stranger.put_object("refused", b"bytes")

    def test_a_resumable_upload_arrives(self):
        data = some_bytes(7 * PART + 1, seed=2)
        file = some_file("resumable.bin", data)
        done = oss2.resumable_upload(
            self.bucket,
            "resumable",
            str(file),
            store=oss2.ResumableStore(root=str(FOLDER)),
            multipart_threshold=PART,
            part_size=PART,
            num_threads=3,
        )
        self.assertEqual(self.bucket.get_object("resumable").read(), data)
        head = self.bucket.head_object("resumable")
        self.assertEqual(int(head.headers["x-oss-hash-crc64ecma"]), done.crc)
        self.assertEqual(head.object_type, "Multipart")
        self.assertTrue(head.etag.endswith("-8"), head.etag)

    def test_parts_and_uploads_are_listed_until_they_are_aborted(self):
        upload_id = self.bucket.init_multipart_upload("aborted").upload_id
        sent = [self.bucket.upload_part("aborted", upload_id, n, some_bytes(PART, seed=n)) for n in (1, 3, 2)]
        self.assertIn(upload_id, uploads_of(self.bucket, "aborted"))
        parts = list(oss2.PartIterator(self.bucket, "aborted", upload_id, max_parts=2))
        self.assertEqual([part.part_number for part in parts], [1, 2, 3])
        self.assertEqual([part.etag for part in parts], [sent[0].etag, sent[2].etag, sent[1].etag])
        self.assertEqual([part.size for part in parts], [PART] * 3)
        self.bucket.abort_multipart_upload("aborted", upload_id)
        self.assertNotIn(upload_id, uploads_of(self.bucket, "aborted"))
        with self.assertRaises(oss2.exceptions.NoSuchUpload):
            self.bucket.list_parts("aborted", upload_id)

    def test_a_part_that_is_not_there_refuses_the_whole(self):
        upload_id = self.bucket.init_multipart_upload("incomplete").upload_id
        one = self.bucket.upload_part("incomplete", upload_id, 1, some_bytes(PART))
        parts = [PartInfo(1, one.etag), PartInfo(2, one.etag)]
        with self.assertRaises(oss2.exceptions.ServerError) as refused:
            self.bucket.complete_multipart_upload("incomplete", upload_id, parts)
        self.assertEqual(refused.exception.code, "InvalidPart")
        self.bucket.abort_multipart_upload("incomplete", upload_id)

    def check_that_the_program_finishes(self, key, part_size, numbers, options):
        """The SDK leaves an upload with the parts `numbers`; `oss cp` goes on with it and not with one of its own."""
        data = some_bytes(6 * part_size + 12_345, seed=3)
        file = some_file(f"{key}.bin", data)
        upload_id = self.bucket.init_multipart_upload(key).upload_id
        for number in numbers:
            self.bucket.upload_part(key, upload_id, number, data[(number - 1) * part_size : number * part_size])
        receipt = copy(file, BUCKET, key, "--bigfile-threshold", "100K", *options)
        self.assertEqual(self.bucket.get_object(key).read(), data)
        self.assertEqual(receipt["upload_id"], upload_id)
        self.assertEqual(receipt["proof"], "parts+object")
        self.assertEqual(uploads_of(self.bucket, key), [])

    def test_the_program_finishes_an_upload_with_the_same_part_size(self):
        self.check_that_the_program_finishes("same-part-size", PART, [1, 2, 3], ["--part-size", "100K"])

    def test_the_program_finishes_an_upload_with_holes(self):
        self.check_that_the_program_finishes("holes", PART, [2, 5], ["--part-size", "100K"])

    def test_the_program_finishes_an_upload_with_another_part_size(self):
        self.check_that_the_program_finishes("other-part-size", 2 * PART, [1, 2, 3], ["--part-size", "150K"])

    def test_the_program_leaves_an_upload_of_other_bytes_alone(self):
        upload_id = self.bucket.init_multipart_upload("other-bytes").upload_id
        self.bucket.upload_part("other-bytes", upload_id, 1, some_bytes(PART, seed=4))
        data = some_bytes(3 * PART, seed=5)
        file = some_file("other-bytes.bin", data)
        receipt = copy(file, BUCKET, "other-bytes", "--bigfile-threshold", "100K", "--part-size", "100K")
        self.assertEqual(self.bucket.get_object("other-bytes").read(), data)
        self.assertNotEqual(receipt["upload_id"], upload_id)
        self.assertEqual(uploads_of(self.bucket, "other-bytes"), [upload_id])
        self.bucket.abort_multipart_upload("other-bytes", upload_id)


if __name__ == "__main__":
    unittest.main()
