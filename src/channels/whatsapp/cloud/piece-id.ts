/** The name of the message number `index` of a departure; the same in every attempt. */
export const pieceId = (departure: string, index: number): string => `${departure}:${index}`;

/** The name of the template that asks a person to answer, so that a departure can be sent. */
export const invitationId = (departure: string): string => `${departure}${INVITATION}`;

export const isInvitation = (piece: string): boolean => piece.endsWith(INVITATION);

const INVITATION = ':invitation';
