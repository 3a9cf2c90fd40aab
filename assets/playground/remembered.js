/** The last result of a function, given again while its arguments are the same objects. */
export function remembered(compute) {
  let known = null,
    result;
  return (...given) => {
    if (!known || given.length !== known.length || given.some((value, g) => value !== known[g])) {
      result = compute(...given);
      known = given;
    }
    return result;
  };
}
