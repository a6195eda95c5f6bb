/** Writes UTF-8. Half of a surrogate pair becomes U+FFFD. */
export const utf8Encoder: TextEncoder = new TextEncoder();
