// app.js: connects the parts of the page with each other.

import { start } from './connection.js';
import * as chat from './chat.js';
import * as feed from './feed.js';
import * as inbox from './inbox.js';
import * as people from './people.js';

// Shows one view. A narrow screen has room for one column at a time; a wide screen shows all of them in any view.
function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll('.views button')) {
    button.setAttribute('aria-current', button.dataset.show === view);
  }
  chat.noticeView();
}

// Shows the subject of a notification.
function visit({ subjectType, subjectId, type, data }) {
  if (subjectType === 'conversation' || type === 'message') {
    if (subjectType === 'conversation') chat.open(subjectId);
    show('chat');
  } else if (subjectType === 'user' || type === 'follow') {
    show('people');
  } else {
    show('feed');
    feed.reveal(data?.postId ?? subjectId);
  }
}

// The brand is a link to "#": following it would remove a token behind "#" from the address.
document.addEventListener('click', (event) => {
  const view = event.target.closest('[data-show]')?.dataset.show;
  if (!view) return;
  event.preventDefault();
  if (document.body.dataset.view === 'refused') return;
  show(view);
  window.scrollTo(0, 0);
});

inbox.init({ visit, isInView: chat.isInView });
feed.init();
chat.init({ onView: inbox.readMessages });
people.init({
  write: async (userId) => {
    await chat.openWith(userId);
    show('chat');
  },
  refreshFeed: feed.load,
});
show('feed');
start(() => Promise.all([inbox.load(), feed.load(), chat.load(), people.load()]));
