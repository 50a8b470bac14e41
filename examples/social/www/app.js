// app.js: wires the parts of the page together.

import { start } from './connection.js';
import * as chat from './chat.js';
import * as feed from './feed.js';
import * as inbox from './inbox.js';
import * as people from './people.js';

// On a narrow screen one of the columns is shown at a time.
function show(view) {
  document.body.dataset.view = view;
}

async function visit({ subjectType, subjectId, type, data }) {
  if (subjectType === 'conversation' || type === 'message') {
    show('chat');
    if (subjectType === 'conversation') await chat.open(subjectId);
  } else if (subjectType === 'user' || type === 'follow') {
    show('people');
  } else {
    show('feed');
    feed.reveal(data?.postId ?? subjectId);
  }
}

document.addEventListener('click', (event) => {
  const view = event.target.closest('[data-show]')?.dataset.show;
  if (view) show(view);
});

inbox.init({ visit });
feed.init();
chat.init();
people.init({
  write: (userId) => { show('chat'); chat.openWith(userId); },
  refreshFeed: feed.load,
});
start(() => Promise.all([inbox.load(), feed.load(), chat.load(), people.load()]));
