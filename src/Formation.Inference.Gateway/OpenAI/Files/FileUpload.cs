using System.Globalization;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Files;

/// <summary>The form of <c>POST /v1/files</c>, read as it comes: the file goes to the store piece by piece.</summary>
internal sealed class FileUpload(FileTable files, string accountId, string id, int maxFileBytes)
{
    const int MaxFieldBytes = 1024;
    const int MaxNameLength = 255;
    const int FormOverhead = 64 * 1024;
    const int MaxBoundaryLength = 128;
    const int MinLifetime = 3600;
    const int MaxLifetime = 30 * 24 * 3600;

    readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);
    string? _name;
    long _bytes;

    /// <exception cref="ApiErrorException">The form is at fault.</exception>
    internal async Task<KeptFile> ReadAsync(HttpContext context)
    {
        var reader = new MultipartReader(Boundary(context.Request), context.Request.Body) { HeadersCountLimit = 8, HeadersLengthLimit = 8 * 1024 };
        if (context.Request.ContentLength > maxFileBytes + FormOverhead)
            throw new ApiErrorException(ApiErrors.BodyTooLarge(maxFileBytes));
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = maxFileBytes + (2L * FormOverhead);
        try
        {
            while (await reader.ReadNextSectionAsync(context.RequestAborted) is { } section)
                await ReadAsync(section, context.RequestAborted);
        }
        catch (InvalidDataException)
        {
            throw new ApiErrorException(ApiError.BadParameter(null, "invalid_form", "The request body is no form that can be read (multipart/form-data)."));
        }

        if (_name is null)
            throw Missing("file");
        string purpose = _fields.GetValueOrDefault("purpose") ?? throw Missing("purpose");
        if (purpose is "assistants" or "vision" or "fine-tune" or "evals")
            throw UnsupportedValue("purpose", $"nothing here reads files for '{purpose}'; send 'batch' or 'user_data'.");
        OneOf("purpose", purpose, "batch", "user_data");
        return await files.EndAsync(accountId, id, purpose, _name, _bytes, Lifetime(purpose), isHidden: false, context.RequestAborted);
    }

    static string Boundary(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            throw new ApiErrorException(new ApiError(
                415, ApiError.InvalidRequest, "unsupported_content_type", "The Content-Type of the request is not supported; send `multipart/form-data`."));
        string? boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        return boundary is { Length: > 0 and <= MaxBoundaryLength }
            ? boundary
            : throw new ApiErrorException(ApiError.BadParameter(null, "invalid_form", $"The form's boundary is missing or longer than {MaxBoundaryLength} characters."));
    }

    async Task ReadAsync(MultipartSection section, CancellationToken cancellationToken)
    {
        if (section.GetContentDispositionHeader() is not { } disposition || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 and <= 64 } field)
            throw new InvalidDataException();
        if (field == "file")
            await ReadFileAsync(section, disposition, cancellationToken);
        else if (_fields.Count == 8 || !_fields.TryAdd(field, await ReadFieldAsync(section.Body, field, cancellationToken)))
            throw InvalidValue(Shorten(field), "it is given more than once, or with too many others.");
    }

    static async Task<string> ReadFieldAsync(Stream body, string field, CancellationToken cancellationToken)
    {
        var bytes = new byte[MaxFieldBytes + 1];
        int read = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        return read <= MaxFieldBytes
            ? System.Text.Encoding.UTF8.GetString(bytes, 0, read)
            : throw Fail(Shorten(field), "string_above_max_length", $"Invalid '{Shorten(field)}': string too long. Expected at most {MaxFieldBytes} bytes.");
    }

    async Task ReadFileAsync(MultipartSection section, ContentDispositionHeaderValue disposition, CancellationToken cancellationToken)
    {
        if (_name is not null)
            throw InvalidValue("file", "it is given more than once.");
        string name = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).Value ?? "";
        _name = name.Length == 0 ? "file" : Text("file", name, MaxNameLength)!;
        var part = new byte[FileTable.PartBytes];
        for (int number = 0; ; number++)
        {
            int read = await section.Body.ReadAtLeastAsync(part, part.Length, throwOnEndOfStream: false, cancellationToken);
            if (read == 0)
                break;
            _bytes += read;
            if (_bytes > maxFileBytes)
                throw new ApiErrorException(ApiErrors.BodyTooLarge(maxFileBytes));
            if (!await files.HasRoomAsync(accountId, read, cancellationToken))
                throw new ApiErrorException(ApiError.BadParameter(
                    "file", "storage_limit_exceeded", "The account's files are as many or as large as they may be together. Delete some, then try again."));
            await files.AddAsync(accountId, id, number, part.AsMemory(0, read), cancellationToken);
        }

        if (_bytes == 0)
            throw InvalidValue("file", "it is empty.");
    }

    TimeSpan? Lifetime(string purpose)
    {
        const string Anchor = "expires_after[anchor]", Seconds = "expires_after[seconds]";
        if (!_fields.TryGetValue(Seconds, out string? given))
            return purpose == "batch" ? TimeSpan.FromSeconds(MaxLifetime) : null;
        OneOf(Anchor, _fields.GetValueOrDefault(Anchor) ?? throw Missing(Anchor), "created_at");
        if (!long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds))
            throw Fail(Seconds, "invalid_type", $"Invalid type for '{Seconds}': expected an integer, but got a string instead.");
        return TimeSpan.FromSeconds(Integer(Seconds, seconds, MinLifetime, MaxLifetime)!.Value);
    }
}
