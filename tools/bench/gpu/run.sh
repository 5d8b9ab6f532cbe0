#!/usr/bin/env bash
# Checks and times our training graphs on one NVIDIA GPU, from the files of pack.ts beside this script; README.md.
#   bash run.sh [--work DIR] [--python PYTHON] [options of the program: --help]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { echo "error: $*" >&2; exit 1; }

work=$here/unpacked python=python3 device=cuda
arguments=()
while (($#)); do
  [[ $1 == --work || $1 == --python || $1 == --device ]] && (($# < 2)) && die "$1: needs a value"
  case $1 in
    --work) work=$2; shift 2 ;;
    --python) python=$2; shift 2 ;;
    --device) device=$2; arguments+=(--device "$2"); shift 2 ;;
    --device=*) device=${1#*=}; arguments+=("$1"); shift ;;
    *) arguments+=("$1"); shift ;;
  esac
done

[[ $(uname -sm) == "Linux x86_64" ]] || die "this is for Linux x86_64, not $(uname -sm)"
for tool in sha256sum tar gzip; do command -v "$tool" >/dev/null || die "$tool is not installed"; done
python=$(command -v "$python") || die "no $python here: give --python PATH (with PyTorch)"

# 1. unpack, once for these parts
[[ -f $here/SHA256SUMS ]] || die "$here/SHA256SUMS is missing: carry all files of the packed folder"
if ! cmp -s "$here/SHA256SUMS" "$work/SHA256SUMS"; then
  while read -r _ part; do [[ -f $here/$part ]] || die "$here/$part is missing: carry all parts"; done <"$here/SHA256SUMS"
  (cd "$here" && sha256sum --check --quiet SHA256SUMS >&2) || die "a part is damaged (see above): carry it again"
  [[ ! -e $work || -f $work/SHA256SUMS ]] || die "$work exists and was not made by this script: give --work DIR"
  rm -rf "$work.tmp"
  mkdir -p "$work.tmp"
  (cd "$here" && cut -d' ' -f3 SHA256SUMS | xargs cat) | tar -xz -C "$work.tmp"
  mkdir "$work.tmp/site"
  for wheel in "$work.tmp"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$work.tmp/site"; done
  # 2. the CUDA provider, with the core library of the same build: the two share C++ interfaces
  capi=$work.tmp/site/onnxruntime/capi
  if [[ -f $capi/libonnxruntime_providers_cuda.so ]]; then
    native=$work.tmp/node_modules/onnxruntime-node/bin/napi-v6/linux/x64
    mv "$native/libonnxruntime.so.1" "$native/libonnxruntime.so.1.npm"
    cp "$capi"/libonnxruntime.so.1.* "$native/libonnxruntime.so.1"
    for name in shared cuda; do ln "$capi/libonnxruntime_providers_$name.so" "$native/"; done
  fi
  cp "$here/SHA256SUMS" "$work.tmp/"
  rm -rf "$work"
  mv "$work.tmp" "$work"
fi
work=$(cd "$work" && pwd)
node=$work/bin/node
chmod +x "$node"
"$node" --version >/dev/null || die "$node does not start on this machine"

# 3. CUDA's libraries: the machine's, or those that came with PyTorch or with wheels of --wheel
export PYTHONPATH=$work/site${PYTHONPATH:+:$PYTHONPATH}
if [[ $device == cuda ]]; then
  command -v nvidia-smi >/dev/null || die "no nvidia-smi: no NVIDIA driver here (--device cpu tries the programs without one)"
  nvidia-smi -i 0 --query-gpu=name,driver_version,memory.total --format=csv,noheader ||
    die "nvidia-smi sees no GPU"
  [[ -f $work/site/onnxruntime/capi/libonnxruntime_providers_cuda.so ]] ||
    die "packed with --cpu-only: it has no CUDA provider"
  libraries=$("$python" - <<'PYTHON'
import glob, os, sys
print(':'.join(d for p in sys.path for g in ('nvidia/*/lib', 'torch/lib') for d in sorted(glob.glob(os.path.join(p, g)))))
PYTHON
  )
  export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  # sums of memory and the first GPU mean the same one everywhere
  export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=0
  missing=$(ldd "$work/site/onnxruntime/capi/libonnxruntime_providers_cuda.so" | sed -n 's/^\s*\(\S*\) => not found.*/\1/p' | tr '\n' ' ')
  [[ -z $missing ]] ||
    die "the CUDA provider needs $missing: install CUDA of that version, or carry its wheels (README.md, --wheel)"
fi

# 4. check and time
exec "$node" "$work/dist/tools/bench/gpu/main.js" --python "$python" ${arguments[@]+"${arguments[@]}"}
