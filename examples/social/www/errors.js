// errors.js: a sentence for each error code. The server's own message is for developers: the console shows it.

const sentences = {
  bad_request: 'The page sent an incomplete request.',
  busy: 'The server has too much to do for you. Please try again in a moment.',
  forbidden: 'You have no access to this.',
  unavailable: 'The server cannot reach its database. Please check the result before you try again.',
  22023: 'Something is missing. Please fill in the form.',
  23503: 'This does not exist any more.',
  23505: 'You have done this already.',
  23514: 'The server does not accept this. It may be empty or too long.',
  40001: 'Somebody changed the same thing at the same time. Please try again.',
  '40P01': 'Somebody changed the same thing at the same time. Please try again.',
  42501: 'You have no access to this.',
  57014: 'This took too long, and nothing was changed. Please try again.',
  HD404: 'The server does not know this action.',
  P0002: 'This does not exist any more.',
};

// Returns the sentence for the error of an action.
export function sentenceFor({ code }) {
  return sentences[code] ?? 'The server could not do this. Please try again later.';
}

const refusals = {
  token_expired: 'The token in the address of this page has expired.',
  token_not_yet_valid: 'The token in the address of this page is not valid yet.',
};

// Returns the reason why the server refused the token.
export function refusalFor(error) {
  return refusals[error.data?.code] ?? 'The server does not accept the token in the address of this page.';
}
