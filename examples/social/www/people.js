// people.js: everybody, with buttons to follow and to write to them.

import { $, el, avatar } from './dom.js';
import { ask, myId, socket } from './connection.js';

let people = [];
let write;
let refreshFeed;

const follow = (userId) => ask('user:follow', { userId });

function buttons({ userId, name, following }) {
  return el('span', { class: 'buttons' },
    el('button', { class: following ? 'quiet' : 'primary', 'aria-pressed': following, onclick: () => follow(userId) },
      following ? 'Following' : 'Follow'),
    el('button', { class: 'quiet', 'aria-label': `Write to ${name}`, onclick: () => write(userId) }, 'Message'));
}

function item(person) {
  const { userId, name, bio, followers } = person;
  const count = followers === 1 ? '1 follower' : `${followers} followers`;
  return el('li', { 'data-user': userId },
    avatar(userId, name),
    el('div', {},
      el('strong', {}, userId === myId ? `${name} (you)` : name),
      el('span', { class: 'followers' }, count),
      el('p', {}, bio),
      userId === myId ? null : buttons(person)));
}

function render() {
  $('#people').replaceChildren(...people.map(item));
  const me = people.find(({ userId }) => userId === myId);
  $('#me').replaceChildren(...(me ? [avatar(me.userId, me.name), me.name] : []));
}

export async function load() {
  const answer = await ask('people:list');
  if (!answer) return;
  people = answer.people;
  render();
}

function onFollow(event, following) {
  socket.on(event, ({ followerId, followeeId, totalFollowers }) => {
    const person = people.find(({ userId }) => userId === followeeId);
    if (!person) return;
    person.followers = totalFollowers;
    if (followerId === myId) {
      person.following = following;
      refreshFeed();
    }
    render();
  });
}

// write(userId) opens a conversation; refreshFeed() is called when the user follows somebody else than before.
export function init(options) {
  ({ write, refreshFeed } = options);
  onFollow('user:followed', true);
  onFollow('user:unfollowed', false);
}
