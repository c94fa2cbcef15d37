// One upload by ali-oss, the official SDK for Node, for `cargo xtask bench`. Its checkpoint is kept as its documentation shows:
// whoever calls it writes down whole what the progress callback hands out.

const fs = require("node:fs");
const path = require("node:path");
const OSS = require("ali-oss");

const [file, bucket, key, endpoint, partSize, parallel, checkpoints] = process.argv.slice(2);
const kept = path.join(checkpoints, "ali-oss.json");

const client = new OSS({
  endpoint,
  bucket,
  region: "oss-cn-hangzhou",
  authorizationV4: true,
  accessKeyId: process.env.OSS_ACCESS_KEY_ID,
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
  timeout: 600_000,
  // It tries nothing again by default.
  retryMax: 3,
});

async function upload() {
  await client.multipartUpload(key, file, {
    partSize: Number(partSize),
    parallel: Number(parallel),
    checkpoint: fs.existsSync(kept) ? JSON.parse(fs.readFileSync(kept, "utf8")) : undefined,
    progress: (_share, checkpoint) => {
      if (checkpoint) fs.writeFileSync(kept, JSON.stringify(checkpoint));
    },
  });
  fs.rmSync(kept, { force: true });
}

upload().catch((error) => {
  console.error(String(error));
  process.exitCode = 1;
});
