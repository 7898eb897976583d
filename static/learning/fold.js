/* Unicode case folding, as other languages have it: what two texts share whatever their case. */

// Not what capitals and then small letters give: the dotless i stays, and Cherokee folds to its capitals.
const ODD = /[\u0131\u13a0-\u13fd\uab70-\uabbf]/;

export function fold(text) {
  return ODD.test(text) ? Array.from(text, one).join("") : plain(text);
}

function one(sign) {
  if (!ODD.test(sign)) return plain(sign);
  return sign === "\u0131" ? sign : sign.toUpperCase();
}

/** A sigma at the end of a word is a sigma; a sharp s is two. */
function plain(text) {
  return text.toUpperCase().toLowerCase().replaceAll("\u03c2", "\u03c3").replaceAll("\u00df", "ss");
}
