// Cloudflare refuses what the local runtime allows: more than 100,000 PBKDF2 iterations in WebCrypto.
// Imported before the Worker, so that the Worker meets the limit in its tests.
const { deriveBits } = SubtleCrypto.prototype;

SubtleCrypto.prototype.deriveBits = function (algorithm, ...rest) {
  const { name, iterations } = algorithm;
  if (name?.toUpperCase() === 'PBKDF2' && iterations > 100_000) {
    const message = `Pbkdf2 failed: iteration counts above 100000 are not supported (requested ${iterations}).`;
    return Promise.reject(new DOMException(message, 'NotSupportedError'));
  }
  return deriveBits.call(this, algorithm, ...rest);
};
