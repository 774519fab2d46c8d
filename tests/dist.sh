#!/usr/bin/env bash
# Makes dist/flowork-<version>-linux-<arch>.tar.gz: the node, the bootstrap host, README and licences.
set -euo pipefail
cd "$(dirname "$0")/.."

version="$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)"
name="flowork-$version-linux-$(uname -m)"
target="${CARGO_TARGET_DIR:-target}"

cargo build --profile dist --workspace --bin flowork --bin flowork-bootstrap --locked

stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name" dist
install -m 755 "$target/dist/flowork" "$target/dist/flowork-bootstrap" "$stage/$name/"
mkdir "$stage/$name/bootstrap"
cp bootstrap/bootstrap.example.toml bootstrap/flowork-bootstrap.service "$stage/$name/bootstrap/"
cp -r README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE NOTICE.md examples "$stage/$name/"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || echo 0)" \
    -C "$stage" -cf - "$name" | gzip -9n > "dist/$name.tar.gz"
ls -l "dist/$name.tar.gz"
