"""One resumable upload by oss2, the first official Python SDK, for `cargo xtask bench`."""

import os
import sys

import oss2

file, bucket, key, endpoint, part_size, parallel, checkpoints = sys.argv[1:]

credentials = oss2.credentials.StaticCredentialsProvider(
    os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]
)
target = oss2.Bucket(
    oss2.ProviderAuthV4(credentials),
    endpoint,
    bucket,
    region="cn-hangzhou",
    session=oss2.Session(pool_size=max(10, int(parallel))),
    is_path_style=True,
)
oss2.resumable_upload(
    target,
    key,
    file,
    store=oss2.ResumableStore(root=checkpoints),
    multipart_threshold=int(part_size),
    part_size=int(part_size),
    num_threads=int(parallel),
)
