/** Measures of one hidden state [T, D], row-major. All raw magnitudes. */

export interface RowMeasures {
  /** max |x| over channels, [T] */
  readonly linf: Float32Array;
  /** Euclidean norm, [T] */
  readonly l2: Float32Array;
  /** Channel of the largest |x|, [T] */
  readonly topChannel: Int32Array;
  /** E[(x - mean)^4] / Var[x]^2 over all elements (3 for a Gaussian; Bondarenko et al. 2306.12929); 0 if constant. */
  readonly kurtosis: number;
}

/** Measures every row of `x` [T, width], and its kurtosis, in one pass. Not-finite values propagate as NaN. */
export function measureRows(x: Float32Array, width: number): RowMeasures {
  const rows = x.length / width;
  const linf = new Float32Array(rows);
  const l2 = new Float32Array(rows);
  const topChannel = new Int32Array(rows);
  // Raw moments in fp64: outliers of 1e3 among values of 1e-1 leave enough digits.
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  for (let row = 0; row < rows; row++) {
    const begin = row * width;
    let max = 0;
    let channel = 0;
    let squares = 0;
    for (let c = 0; c < width; c++) {
      const value = x[begin + c]!;
      const square = value * value;
      first += value;
      squares += square;
      third += square * value;
      fourth += square * square;
      if (square > max) {
        max = square;
        channel = c;
      }
    }
    second += squares;
    // A NaN never compares as larger: without this a broken layer would look like an empty one.
    linf[row] = Number.isNaN(squares) ? Number.NaN : Math.abs(x[begin + channel]!);
    l2[row] = Math.sqrt(squares);
    topChannel[row] = channel;
  }
  return { linf, l2, topChannel, kurtosis: kurtosisOf(first, second, third, fourth, x.length) };
}

/** Kurtosis from the sums of the first four powers of n values. */
function kurtosisOf(s1: number, s2: number, s3: number, s4: number, n: number): number {
  const mean = s1 / n;
  const variance = s2 / n - mean ** 2;
  const central = s4 / n - (4 * mean * s3) / n + (6 * mean ** 2 * s2) / n - 3 * mean ** 4;
  return variance > 0 ? central / variance ** 2 : 0;
}

/**
 * Median of |x| over all elements; an even number of them gives the mean of the two middle ones. Exact, in linear
 * time: the bits of a non-negative float sort like the float, so one pass counts their upper halves, and a second
 * one collects the few magnitudes of the middle buckets. NaN counts as larger than every number.
 */
export function medianAbs(x: Float32Array): number {
  const n = x.length;
  if (n === 0) return 0;
  const bits = new Uint32Array(x.buffer, x.byteOffset, n);
  const counts = countUpperHalves(bits);
  const lowerRank = Math.ceil(n / 2) - 1;
  const upperRank = Math.floor(n / 2);
  const [first, before] = bucketOf(counts, lowerRank);
  const [last] = bucketOf(counts, upperRank);
  const total = counts.subarray(first, last + 1).reduce((sum, count) => sum + count, 0);
  const middle = collectBuckets(bits, first, last, total).sort();
  return (middle[lowerRank - before]! + middle[upperRank - before]!) / 2;
}

/** How many magnitudes share each upper half of their bits (sign dropped), [2^15]. */
function countUpperHalves(bits: Uint32Array): Uint32Array {
  const even = new Uint32Array(1 << 15);
  // Neighbours are often in one bucket, and increments of one counter wait for each other: two tables do not.
  const odd = new Uint32Array(1 << 15);
  for (let i = 0; i + 1 < bits.length; i += 2) {
    even[(bits[i]! >>> 16) & 0x7fff]!++;
    odd[(bits[i + 1]! >>> 16) & 0x7fff]!++;
  }
  if (bits.length % 2 === 1) even[(bits.at(-1)! >>> 16) & 0x7fff]!++;
  return even.map((count, bucket) => count + odd[bucket]!);
}

/** The `total` magnitudes whose upper halves are `first`..`last`, in any order. */
function collectBuckets(bits: Uint32Array, first: number, last: number, total: number): Float32Array {
  const found = new Uint32Array(total + 1);
  const base = first << 16;
  const width = ((last - first + 1) << 16) >>> 0;
  let count = 0;
  // Always written, kept only when inside: faster than a branch that is hard to predict.
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    found[count] = magnitude;
    count += (magnitude - base) >>> 0 < width ? 1 : 0;
  }
  return new Float32Array(found.buffer, 0, total);
}

/** The bucket that holds the value of rank `rank` (0-based), and how many values lie in the buckets before. */
function bucketOf(counts: Uint32Array, rank: number): [bucket: number, before: number] {
  let before = 0;
  let bucket = 0;
  while (before + counts[bucket]! <= rank) before += counts[bucket++]!;
  return [bucket, before];
}
