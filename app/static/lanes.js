/** Rows for what lies beside each other: none of a lane's stretches overlap. */

/** The lane of each `{ left, right }`, given in the order of `left`; the first that is free. */
export function lanes(stretches, gap) {
  const ends = [];
  return stretches.map(({ left, right }) => {
    let lane = ends.findIndex((end) => end + gap <= left);
    if (lane < 0) lane = ends.length;
    ends[lane] = right;
    return lane;
  });
}
