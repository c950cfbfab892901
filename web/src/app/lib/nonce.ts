/** What style elements of this visit carry, as the page's content security policy asks. */
export const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
