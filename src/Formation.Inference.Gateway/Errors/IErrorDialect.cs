using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Errors;

/// <summary>How the clients of one dialect want to be told of errors, also where no route of theirs has been found.</summary>
internal interface IErrorDialect
{
    /// <summary>Whether whoever sends this request speaks the dialect.</summary>
    bool IsSpokenBy(HttpRequest request);

    /// <summary>The status with which the dialect answers an error.</summary>
    int StatusOf(ApiError error);

    /// <summary>Writes the body of an error answer, and the headers that are the dialect's own.</summary>
    Task WriteBodyAsync(HttpContext context, ApiError error);
}
