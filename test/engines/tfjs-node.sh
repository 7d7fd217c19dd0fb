#!/usr/bin/env bash
# Installs @tensorflow/tfjs-node into this checkout without Google's storage: libtensorflow from PyPI's wheel of TensorFlow, the
# addon from the package's own source. Linux on x64; needs pip, unzip, a C++ compiler and Node's headers. `npm ci` removes it.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=4.22.0
package=$PWD/node_modules/@tensorflow/tfjs-node
headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")") # with include/node below
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# --save-dev: npm leaves out what package.json names as an optional peer.
npm install --no-save --save-dev --ignore-scripts --no-fund --no-audit "@tensorflow/tfjs-node@$version" node-gyp@12
pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --dest "$work" 'tensorflow-cpu==2.15.1'
unzip -q "$work"/tensorflow_cpu-*.whl 'tensorflow/lib*.so.2' 'tensorflow/include/tensorflow/*' 'tensorflow/include/tsl/*' -d "$work"

mkdir -p "$package/deps/lib" "$package/lib/napi-v8"
mv "$work/tensorflow/include" "$package/deps/"
mv "$work"/tensorflow/lib*.so.2 "$package/deps/lib/"
ln -sf libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
ln -sf libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"
(
  cd "$package"
  npx node-gyp rebuild --nodedir="$headers" \
    --module_name=tfjs_binding --module_path=./lib/napi-v8 --napi_build_version=8
  cp build/Release/tfjs_binding.node lib/napi-v8/
)
node --eval "require('@tensorflow/tfjs-node').ones([2]).print()"
