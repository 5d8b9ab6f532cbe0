/** One request of a model with the answer that it must get, and the script that asks a server. */
import type { ImageShape } from '../../bundle/imageShape';
import { dataTypeName } from '../../repository/dataTypeNames';
import type { HostTensor } from '../../tensors/dtype';
import { pixelType, withBits } from '../../tensors/pixels';
import type { Precision } from '../form';
import { IMAGE } from '../model/network';

export const REQUEST = 'smoke-request.json';
export const ANSWER = 'smoke-answer.txt';
export const SMOKE_SCRIPT = 'smoke.sh';

/** What other runtimes and devices may differ by, of the largest value; a wrong model is far beyond. */
export const ALLOWED: Readonly<Record<Precision, number>> = { float32: 0.01, float16: 0.05, int8: 0.5 };

/** An image of halves, whose decimal numbers are exact and short: float32 [1, C, H, W]. */
export function smokePixels({ height, width, channels }: ImageShape): HostTensor {
  const data = Float32Array.from({ length: channels * height * width }, (_, i) => ((i * 7) % 4) - 1.5);
  return { dtype: 'float32', shape: [1, channels, height, width], data };
}

/** A small picture that is no square: pixels [1, 24, 32, C]. */
export function smokePhoto({ channels, bits }: Pick<ImageShape, 'channels' | 'bits'>): HostTensor {
  const [height, width] = [24, 32];
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return (x * 8 * (1 + (i % channels)) + y * 5) % 256;
  });
  return { dtype: pixelType(bits), shape: [1, height, width, channels], data: withBits(data, bits) };
}

/** An inference request of the protocol's version 2 for one output. */
export function smokeRequest(image: HostTensor, output: string): string {
  const datatype = dataTypeName(image.dtype);
  const data = Array.from(image.data as ArrayLike<number>);
  const inputs = [{ name: IMAGE, shape: image.shape, datatype, data }];
  return `${JSON.stringify({ inputs, outputs: [{ name: output }] })}\n`;
}

/** The output's name and what its values may differ by, and the values in a line each. */
export const smokeAnswer = (output: string, allowed: number, values: Float32Array): string =>
  `${output} ${allowed}\n${Array.from(values, (value) => value.toPrecision(7)).join('\n')}\n`;

/** A POSIX shell script that needs curl and awk. */
export const smokeScript = (): string => String.raw`#!/bin/sh
# Asks a server for every model here that has a ${REQUEST}: is it ready, what is it, and one inference, whose answer
# must be that of ${ANSWER}. Triton, OpenVINO Model Server, KServe and selfie serve speak the same protocol.
#   sh ${SMOKE_SCRIPT} [ADDRESS] [HOST]    HOST: the name by which KServe's ingress knows the service
set -u
cd "$(dirname "$0")" || exit 1
server=${'${1:-http://localhost:8000}'}
host=${'${2:-}'}
newline='
'

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

# ask PATH [OPTION...]: puts the body of an answer with status 200 into $body
ask() {
  address=$server$1
  shift
  [ -z "$host" ] || set -- "$@" --header "Host: $host"
  answer=$(curl --silent --show-error --max-time 120 --write-out '\n%{http_code}' "$@" "$address") ||
    fail "$address does not answer"
  status=${'${answer##*"$newline"}'}
  body=${'${answer%"$newline"*}'}
  [ "$status" = 200 ] || fail "$address: status $status: $body"
}

ask /v2/health/ready
for request in */${REQUEST}; do
  [ -f "$request" ] || fail "no model here has a ${REQUEST}"
  model=${'${request%/*}'}
  ask "/v2/models/$model/ready"
  ask "/v2/models/$model"
  case $body in
    *"\"$model\""*) ;;
    *) fail "$model: the metadata are another model's: $body" ;;
  esac
  ask "/v2/models/$model/infer" --header 'Content-Type: application/json' --data-binary "@$request"
  printf '%s\n' "$body" | awk -v model="$model" '
    FNR == NR && FNR == 1 { output = $1; allowed = $2; next }
    FNR == NR { wanted[++count] = $1; next }
    { text = text $0 }
    END {
      gsub(/[ \t\r]/, "", text)
      if (!index(text, "\"name\":\"" output "\"")) { print model ": no output " output ": " text; exit 1 }
      sub(/.*"data":\[+/, "", text)
      sub(/\].*/, "", text)
      if (split(text, found, ",") != count) { print model ": expected " count " values: " text; exit 1 }
      for (i = 1; i <= count; i++) {
        size = wanted[i] < 0 ? -wanted[i] : wanted[i] + 0
        if (size > scale) scale = size
        away = found[i] - wanted[i]
        if (away < 0) away = -away
        if (!(away <= error)) error = away
      }
      if (!(error <= allowed * scale)) {
        print model ": " output " is off by " error ", its largest value is " scale; exit 1
      }
      printf "%s: %d values of %s, off by %.1e of the largest\n", model, count, output, error / scale
    }' "$model/${ANSWER}" - || fail "$model gives another answer than ${ANSWER}"
done
`;
