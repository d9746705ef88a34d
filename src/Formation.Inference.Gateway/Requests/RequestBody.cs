using System.Buffers;
using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Requests;

/// <summary>A request's whole body in pooled memory, which is cleared before others get it: it holds what a user wrote.</summary>
internal sealed class RequestBody : IDisposable
{
    const int FirstSize = 16 * 1024;
    byte[] _buffer;
    int _length;

    RequestBody(byte[] buffer) => _buffer = buffer;

    internal ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Reads to the end; memory grows with what has come, not with what a header promises.</summary>
    /// <exception cref="ApiErrorException">More than <paramref name="limit"/> bytes come (413), or the body is encoded or not JSON
    /// (415).</exception>
    internal static async Task<RequestBody> ReadAsync(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        CheckHeaders(request, limit);
        var body = new RequestBody(ArrayPool<byte>.Shared.Rent(FirstSize));
        try
        {
            while (true)
            {
                if (body._length == body._buffer.Length)
                    body.Grow();
                int count = await request.Body.ReadAsync(body._buffer.AsMemory(body._length), cancellationToken);
                if (count == 0)
                    return body;
                body._length += count;
                if (body._length > limit)
                    throw new ApiErrorException(ApiErrors.BodyTooLarge(limit));
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        _length = 0;
    }

    void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer, clearArray: true);
        _buffer = larger;
    }

    static void CheckHeaders(HttpRequest request, int limit)
    {
        if (request.ContentLength > limit)
            throw new ApiErrorException(ApiErrors.BodyTooLarge(limit));
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
            throw new ApiErrorException(ApiErrors.UnsupportedContentEncoding);
        if (request.ContentType is not null && !request.HasJsonContentType())
            throw new ApiErrorException(ApiErrors.UnsupportedContentType);
    }
}
