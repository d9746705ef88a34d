using System.Text.Encodings.Web;
using System.Text.Json;

namespace Formation.Inference.Gateway.Requests;

/// <summary>How every dialect's JSON is read and written. A serializer context takes options for itself, so each call makes new ones.</summary>
internal static class DialectJson
{
    /// <summary>For reading requests: strict.</summary>
    internal static JsonSerializerOptions ForRequests() => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        AllowDuplicateProperties = false,
        MaxDepth = JsonBody.MaxDepth,
    };

    /// <summary>For writing answers: letters of all scripts as they are, which is safe where nothing is put into HTML.</summary>
    internal static JsonSerializerOptions ForAnswers() => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
