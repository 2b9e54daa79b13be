/* An upstream that costs next to nothing: it answers chat completions from constants.
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

enum { FD_MAX = 65536, IN_BYTES = 65536, DELAYS_MAX = 16, QUEUE_MAX = 1 << 16 };

struct connection {
  size_t used;
  unsigned generation; /* tells a wait of an earlier use of the descriptor from one of now */
  int chunks_left, delay_ms;
  char in[IN_BYTES];
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
static char plain[2048], chunk[512], end[1024];
static size_t plain_bytes, chunk_bytes, end_bytes;
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

static void prepare_answers(void) {
  static char text[640], body[1536];
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = i % 6 == 5 ? ' ' : 'w';
  int size = sprintf(body,
      "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1790000000,"
      "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
      "\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":107,\"total_tokens\":128,"
      "\"prompt_tokens_details\":{\"cached_tokens\":0}},\"service_tier\":\"default\"}", text);
  plain_bytes = (size_t)sprintf(plain,
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n"
      "content-length: %d\r\n\r\n%s", size, body);
  chunk_bytes = framed(chunk,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
      "\"created\":1790000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
      "{\"content\":\" word\"},\"finish_reason\":null}]}\n\n");
  end_bytes = framed(end,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
      "\"created\":1790000000,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":21,"
      "\"completion_tokens\":25,\"total_tokens\":46}}\n\n");
  end_bytes += framed(end + end_bytes, "data: [DONE]\n\n");
  end_bytes += (size_t)sprintf(end + end_bytes, "0\r\n\r\n");
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
    if (put(fd, chunk, chunk_bytes)) return -1;
    c->chunks_left--;
    if (c->delay_ms && c->chunks_left) {
      wait_for(fd, c);
      return 0;
    }
  }
  c->chunks_left = -1;
  return put(fd, end, end_bytes);
}

static int option(const char *model, size_t size, const char *mark, int otherwise) {
  const char *found = memmem(model, size, mark, 2);
  return found ? atoi(found + 2) : otherwise;
}

static int answer(int fd, struct connection *c, const char *body, size_t size) {
  if (!memmem(body, size, "\"stream\":true", 13)) return put(fd, plain, plain_bytes);
  const char *model = memmem(body, size, "\"model\":\"", 9);
  if (!model) return -1;
  model += 9;
  const char *quote = memchr(model, '"', (size_t)(body + size - model));
  size_t length = quote ? (size_t)(quote - model) : 0;
  c->chunks_left = option(model, length, "-c", 100);
  c->delay_ms = option(model, length, "-d", 0);
  c->generation = ++generations;
  return put(fd, stream_head, sizeof stream_head - 1) ? -1 : go_on(fd, c);
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
