// Chromium's virtual authenticators.

/** Gives a page's browser an authenticator of its own: `{page, session, authenticatorId}`. `options` are those of the protocol. */
export const equip = async (page, options = {}) => {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true, ...options,
    },
  });
  return { page, session, authenticatorId };
};

/** The credentials of an authenticator. */
export const credentials = async ({ session, authenticatorId }) =>
  (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials;

/** Moves the credentials of one browser's authenticator into another's. (Those of U2F do not say whose they are.) */
export const move = async (from, to) => {
  await to.session.send("WebAuthn.clearCredentials", { authenticatorId: to.authenticatorId });
  for (const credential of await credentials(from)) {
    await to.session.send("WebAuthn.addCredential", { authenticatorId: to.authenticatorId, credential: { rpId: "localhost", ...credential } });
  }
};
