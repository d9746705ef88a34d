using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.OpenAI.Files;

/// <summary>What a file is.</summary>
internal sealed record FileObject(string Id, string Object, long Bytes, long CreatedAt, string Filename, string Purpose, string Status)
{
    /// <summary>When it is forgotten; left out where that is never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ExpiresAt { get; init; }

    internal static FileObject From(KeptFile file) => new(
        file.Id, "file", file.Bytes, file.Created.ToUnixTimeSeconds(), file.Name, file.Purpose, "processed")
    {
        ExpiresAt = file.Expires?.ToUnixTimeSeconds(),
    };
}

/// <summary>A page of files.</summary>
internal sealed record FileList(string Object, IReadOnlyList<FileObject> Data, string? FirstId, string? LastId, bool HasMore);

/// <summary>The answer to <c>DELETE /v1/files/{id}</c>.</summary>
internal sealed record FileDeleted(string Id, string Object, bool Deleted);
