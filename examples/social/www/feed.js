// feed.js: posts with their likes and comments. The page joins the room of each post that it shows: the room's events
// keep the post up to date.

import { $, el, avatar, counted, time, onSubmit } from './dom.js';
import { ask, myId, socket } from './connection.js';

const posts = new Map();            // by id
const cards = new Map();            // by id, the element of each post shown so far, with the user's unsent comment
const HEART = 'M12 20.3 4.6 13a4.9 4.9 0 0 1 0-7 4.9 4.9 0 0 1 7 0l.4.5.4-.5a4.9 4.9 0 0 1 7 7Z';

function heart() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS('http://www.w3.org/2000/svg', 'path'));
  svg.firstChild.setAttribute('d', HEART);
  return svg;
}

function commentItem(comment) {
  return el('li', { 'data-comment': comment.commentId },
    avatar(comment.userId, comment.username),
    el('div', { class: 'bubble' },
      el('span', { class: 'by' }, el('strong', {}, comment.username), time(comment.timestamp)),
      el('p', {}, comment.content)));
}

// Returns a new card for a post. update() fills in the counts and the comments.
function makeCard(post) {
  const comment = el('form', { class: 'line' },
    el('input', { name: 'content', maxlength: 1000, placeholder: 'Write a comment', 'aria-label': `New comment on the post of ${post.authorName}`, autocomplete: 'off', required: true }),
    el('button', { class: 'quiet' }, 'Comment'));
  onSubmit(comment, (content) => ask('comment:create', { postId: post.postId, content }));
  return el('article', { class: 'card post', 'data-post': post.postId },
    el('header', {},
      avatar(post.authorId, post.authorName),
      el('span', { class: 'by' }, el('strong', {}, post.authorName), time(post.timestamp))),
    el('p', { class: 'text' }, post.content),
    el('footer', {},
      el('button', { class: 'like', onclick: () => ask('post:like', { postId: post.postId }) }, heart(), el('span', { class: 'likes' })),
      el('span', { class: 'count' })),
    el('ul', { class: 'comments' }),
    comment);
}

function card(post) {
  if (!cards.has(post.postId)) cards.set(post.postId, makeCard(post));
  return cards.get(post.postId);
}

function update(post) {
  const element = card(post);
  const like = $('.like', element);
  like.classList.toggle('liked', post.liked);
  like.setAttribute('aria-pressed', post.liked);
  const likes = counted(post.totalLikes, 'like');
  like.setAttribute('aria-label', `Like the post of ${post.authorName}, ${likes}`);
  $('.likes', element).textContent = likes;
  $('.count', element).textContent = counted(post.totalComments, 'comment');
  $('.comments', element).replaceChildren(...[...post.comments.values()].map(commentItem));
}

// Shows all posts, newest first. Does not move the cards that stay: the user may be writing in one of them.
function render() {
  const list = $('#posts');
  const shown = [...posts.values()].sort((a, b) => Number(b.postId) - Number(a.postId));
  shown.forEach(update);
  for (const element of [...list.children]) if (!posts.has(element.dataset.post)) element.remove();
  shown.map(card).forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
  $('#no-posts').hidden = posts.size > 0;
}

// Stores a post from a list and keeps the comments that events have added since.
function put(post) {
  const listed = post.comments.map((comment) => [comment.commentId, comment]);
  posts.set(post.postId, { ...post, comments: new Map([...listed, ...posts.get(post.postId)?.comments ?? []]) });
}

const join = (postId) => ask('room:join', { room: `post:${postId}` });

// Shows the feed, joins the rooms of its posts, and shows the feed again. The second list has the changes from before the
// joins, the rooms have the later ones.
export async function load() {
  posts.clear();
  for (let joined = false; ; joined = true) {
    const answer = await ask('feed:list');
    if (!answer) return;
    answer.posts.forEach(put);
    render();
    if (joined) return;
    await Promise.all(answer.posts.map((post) => join(post.postId)));
  }
}

// Calls change(post, data) for each event of this name, if the page shows the event's post.
function onPost(event, change) {
  socket.on(event, (data) => {
    const post = posts.get(data.postId);
    if (!post) return;
    change(post, data);
    update(post);
  });
}

function setLikes(post, { userId, liked, totalLikes }) {
  post.totalLikes = totalLikes;
  if (userId === myId) post.liked = liked;
}

function setComments(post, totalComments) {
  if (totalComments != null) post.totalComments = totalComments;
}

export function reveal(postId) {
  const element = cards.get(postId);
  element?.scrollIntoView({ behavior: 'smooth', block: 'center' });
  element?.classList.add('revealed');
  setTimeout(() => element?.classList.remove('revealed'), 1600);
}

export function init() {
  onSubmit($('#compose'), (content) => ask('post:create', { content }));

  socket.on('post:created', ({ postId, authorId, authorName, post }) => {
    if (posts.has(postId)) return;
    put({
      postId, authorId, authorName, content: post.content, timestamp: post.created_at,
      totalLikes: 0, liked: false, totalComments: 0, comments: [],
    });
    render();
    join(postId);
  });
  socket.on('post:deleted', ({ postId }) => {
    posts.delete(postId);
    render();
  });
  onPost('post:liked', setLikes);
  onPost('post:unliked', setLikes);
  onPost('comment:created', (post, comment) => {
    post.comments.set(comment.commentId, comment);
    setComments(post, comment.totalComments);
  });
  onPost('comment:deleted', (post, comment) => {
    post.comments.delete(comment.commentId);
    setComments(post, comment.totalComments);
  });
}
