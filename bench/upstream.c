/* An upstream that costs next to nothing: it answers chat completions from constants, and Anthropic's
 * Messages where the path ends in `/messages`.
 *
 *   upstream PORT
 *
 * The model's name steers a streamed answer: `-c25` sends 25 content chunks (100 when absent),
 * `-d20` waits 20 ms between them (0: one after the other). Without `"stream":true` the answer is
 * 1 KB of JSON with usage. Requests carry content-length. One thread, one epoll; a wait is an
 * entry in a first-come queue per delay, which is sorted by itself because delays in it are equal.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FD_MAX = 65536, IN_BYTES = 2 << 20, DELAYS_MAX = 16, QUEUE_MAX = 1 << 16 };

struct connection {
  size_t used;
  unsigned generation; /* tells a wait of an earlier use of the descriptor from one of now */
  int chunks_left, delay_ms;
  const struct answers *answers;
  char in[IN_BYTES];
};

/* What is said in one dialect: a whole answer, and a stream's beginning, chunks and end. */
struct answers {
  char plain[2048], begin[1024], chunk[512], end[1024];
  size_t plain_bytes, begin_bytes, chunk_bytes, end_bytes;
};

struct wait {
  long long due_us;
  int fd;
  unsigned generation;
};

struct queue {
  int delay_ms;
  unsigned head, tail;
  struct wait waits[QUEUE_MAX];
};

static struct connection *connections[FD_MAX];
static struct queue *queues[DELAYS_MAX];
static unsigned generations;
static struct answers chat, messages;
static const char stream_head[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    "transfer-encoding: chunked\r\n\r\n";

static long long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static size_t framed(char *to, const char *event) {
  return (size_t)sprintf(to, "%zx\r\n%s\r\n", strlen(event), event);
}

static void prepare_plain(struct answers *to, const char *body) {
  to->plain_bytes = (size_t)sprintf(to->plain,
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n"
      "content-length: %zu\r\n\r\n%s", strlen(body), body);
  to->begin_bytes = (size_t)sprintf(to->begin, "%s", stream_head);
}

static void prepare_answers(void) {
  static char text[640], body[1536];
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = i % 6 == 5 ? ' ' : 'w';
  sprintf(body,
      "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1790000000,"
      "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
      "\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":107,\"total_tokens\":128,"
      "\"prompt_tokens_details\":{\"cached_tokens\":0}},\"service_tier\":\"default\"}", text);
  prepare_plain(&chat, body);
  chat.chunk_bytes = framed(chat.chunk,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
      "\"created\":1790000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
      "{\"content\":\" word\"},\"finish_reason\":null}]}\n\n");
  chat.end_bytes = framed(chat.end,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
      "\"created\":1790000000,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":21,"
      "\"completion_tokens\":25,\"total_tokens\":46}}\n\n");
  chat.end_bytes += framed(chat.end + chat.end_bytes, "data: [DONE]\n\n");
  chat.end_bytes += (size_t)sprintf(chat.end + chat.end_bytes, "0\r\n\r\n");

  sprintf(body,
      "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
      "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\","
      "\"stop_sequence\":null,\"usage\":{\"input_tokens\":21,\"cache_creation_input_tokens\":0,"
      "\"cache_read_input_tokens\":0,\"output_tokens\":107,\"service_tier\":\"standard\"}}", text);
  prepare_plain(&messages, body);
  messages.begin_bytes += framed(messages.begin + messages.begin_bytes,
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\","
      "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],"
      "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":21,"
      "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\n"
      "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
      "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
  messages.chunk_bytes = framed(messages.chunk,
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
      "\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n");
  messages.end_bytes = framed(messages.end,
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
      "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
      "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":25}}\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
  messages.end_bytes += (size_t)sprintf(messages.end + messages.end_bytes, "0\r\n\r\n");
}

static int put(int fd, const char *data, size_t size) {
  while (size) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return -1;
    data += sent;
    size -= (size_t)sent;
  }
  return 0;
}

static void drop(int fd) {
  free(connections[fd]);
  connections[fd] = NULL;
  close(fd);
}

static void wait_for(int fd, struct connection *c) {
  for (int i = 0; i < DELAYS_MAX; i++) {
    if (!queues[i]) {
      queues[i] = calloc(1, sizeof *queues[i]);
      queues[i]->delay_ms = c->delay_ms;
    }
    struct queue *q = queues[i];
    if (q->delay_ms != c->delay_ms) continue;
    if (q->tail - q->head == QUEUE_MAX) break;
    q->waits[q->tail++ % QUEUE_MAX] =
        (struct wait){now_us() + c->delay_ms * 1000LL, fd, c->generation};
    return;
  }
  fprintf(stderr, "upstream: too many waits or delays\n");
  exit(1);
}

/* Sends a stream's next chunks, up to its next wait or its end. */
static int go_on(int fd, struct connection *c) {
  while (c->chunks_left > 0) {
    if (put(fd, c->answers->chunk, c->answers->chunk_bytes)) return -1;
    c->chunks_left--;
    if (c->delay_ms && c->chunks_left) {
      wait_for(fd, c);
      return 0;
    }
  }
  c->chunks_left = -1;
  return put(fd, c->answers->end, c->answers->end_bytes);
}

static int option(const char *model, size_t size, const char *mark, int otherwise) {
  const char *found = memmem(model, size, mark, 2);
  return found ? atoi(found + 2) : otherwise;
}

static int answer(int fd, struct connection *c, const char *body, size_t size) {
  if (!memmem(body, size, "\"stream\":true", 13))
    return put(fd, c->answers->plain, c->answers->plain_bytes);
  const char *model = memmem(body, size, "\"model\":\"", 9);
  if (!model) return -1;
  model += 9;
  const char *quote = memchr(model, '"', (size_t)(body + size - model));
  size_t length = quote ? (size_t)(quote - model) : 0;
  c->chunks_left = option(model, length, "-c", 100);
  c->delay_ms = option(model, length, "-d", 0);
  c->generation = ++generations;
  return put(fd, c->answers->begin, c->answers->begin_bytes) ? -1 : go_on(fd, c);
}

static int take(int fd, struct connection *c) {
  while (c->used) {
    char *body = memmem(c->in, c->used, "\r\n\r\n", 4);
    if (!body) return 0;
    *body = 0;
    char *announced = strcasestr(c->in, "\ncontent-length:");
    *body = '\r';
    size_t head = (size_t)(body + 4 - c->in), size = announced ? strtoul(announced + 16, 0, 10) : 0;
    if (head + size > IN_BYTES) return -1;
    if (c->used < head + size) return 0;
    const char *line = memchr(c->in, '\n', head);
    c->answers = memmem(c->in, (size_t)(line - c->in), "/messages", 9) ? &messages : &chat;
    if (answer(fd, c, c->in + head, size)) return -1;
    c->used -= head + size;
    memmove(c->in, c->in + head + size, c->used);
  }
  return 0;
}

static void receive(int fd) {
  struct connection *c = connections[fd];
  ssize_t got = recv(fd, c->in + c->used, IN_BYTES - c->used, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    drop(fd);
    return;
  }
  c->used += (size_t)got;
  if (take(fd, c)) drop(fd);
}

static void welcome(int listener, int epoll) {
  int fd, one = 1;
  while ((fd = accept(listener, 0, 0)) >= 0) {
    if (fd >= FD_MAX) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[fd] = malloc(sizeof *connections[fd]);
    connections[fd]->used = 0;
    connections[fd]->generation = ++generations;
    connections[fd]->chunks_left = -1;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN, {.fd = fd}});
  }
}

/* Continues the streams that are due; returns the milliseconds until the next is, -1: none. */
static int continue_due(void) {
  long long now = now_us(), next = -1;
  for (int i = 0; i < DELAYS_MAX && queues[i]; i++) {
    struct queue *q = queues[i];
    for (; q->head != q->tail && q->waits[q->head % QUEUE_MAX].due_us <= now; q->head++) {
      struct wait w = q->waits[q->head % QUEUE_MAX];
      struct connection *c = connections[w.fd];
      if (c && c->generation == w.generation && c->chunks_left > 0 && go_on(w.fd, c)) drop(w.fd);
    }
    if (q->head == q->tail) continue;
    long long left = q->waits[q->head % QUEUE_MAX].due_us - now;
    if (next < 0 || left < next) next = left;
  }
  return next < 0 ? -1 : (int)((next + 999) / 1000);
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  prepare_answers();
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(arguments[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
    perror("upstream");
    return 1;
  }
  int epoll = epoll_create1(0);
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){EPOLLIN, {.fd = listener}});
  struct epoll_event events[512];
  for (;;) {
    int ready = epoll_wait(epoll, events, 512, continue_due());
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) welcome(listener, epoll);
      else if (connections[fd]) receive(fd);
    }
  }
}
