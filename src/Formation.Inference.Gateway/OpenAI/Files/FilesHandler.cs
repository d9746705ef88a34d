using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Files;

/// <summary>The routes of files. One of another account is as one that is not there.</summary>
internal sealed class FilesHandler(GatewayOptions options, RequestGate gate, AnswerSource answers)
{
    const int MaxLimit = 10_000;

    internal async Task UploadAsync(HttpContext context)
    {
        (FileTable files, string account) = Asked(context);
        using RequestGate.Permit permit = gate.Enter(account);
        string id = answers.CreateId("file-");
        await files.BeginAsync(account, id, context.RequestAborted);
        try
        {
            KeptFile file = await new FileUpload(files, account, id, options.MaxFileBytes).ReadAsync(context);
            await WholeAnswer.WriteAsync(context, FileObject.From(file), OpenAIJsonContext.Answers.FileObject);
        }
        catch (Exception) when (!context.Response.HasStarted)
        {
            // What came of it so far is of no use; the sweep finds it where this fails, too.
            await files.RemoveAsync(account, id, CancellationToken.None);
            throw;
        }
    }

    internal async Task ListAsync(HttpContext context)
    {
        (FileTable files, string account) = Asked(context);
        PageQuery page = PageQuery.Of(context, MaxLimit, MaxLimit);
        KeptFile? after = page.After is { } id
            ? await files.FindAsync(account, id, context.RequestAborted) ?? throw InvalidValue("after", $"there is no file with the id '{Shorten(id)}'.")
            : null;
        string? purpose = context.Request.Query["purpose"];
        IReadOnlyList<KeptFile> found = await files.ListAsync(account, purpose, after, page.IsAscending, page.Limit + 1, context.RequestAborted);
        FileObject[] data = [.. found.Take(page.Limit).Select(FileObject.From)];
        await WholeAnswer.WriteAsync(
            context,
            new FileList("list", data, data.FirstOrDefault()?.Id, data.LastOrDefault()?.Id, found.Count > page.Limit),
            OpenAIJsonContext.Answers.FileList);
    }

    internal async Task GetAsync(HttpContext context) =>
        await WholeAnswer.WriteAsync(context, FileObject.From(await FindAsync(context)), OpenAIJsonContext.Answers.FileObject);

    internal async Task DeleteAsync(HttpContext context)
    {
        (FileTable files, string account) = Asked(context);
        KeptFile file = await FindAsync(context);
        await files.RemoveAsync(account, file.Id, context.RequestAborted);
        await WholeAnswer.WriteAsync(context, new FileDeleted(file.Id, "file", Deleted: true), OpenAIJsonContext.Answers.FileDeleted);
    }

    internal async Task ContentAsync(HttpContext context)
    {
        KeptFile file = await FindAsync(context);
        HttpResponse response = context.Response;
        response.ContentType = "application/octet-stream";
        response.ContentLength = file.Bytes;
        // What a user uploaded is nothing for a browser to show.
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentDisposition = "attachment";
        await foreach (byte[] part in options.Contents!.Files.ReadAsync(file, context.RequestAborted))
            await response.Body.WriteAsync(part, context.RequestAborted);
    }

    async Task<KeptFile> FindAsync(HttpContext context)
    {
        (FileTable files, string account) = Asked(context);
        string id = (string)context.Request.RouteValues["id"]!;
        return await files.FindAsync(account, id, context.RequestAborted)
            ?? throw new ApiErrorException(new ApiError(404, ApiError.InvalidRequest, null, $"No such File object: {Shorten(id)}") { Param = "id" });
    }

    (FileTable Files, string Account) Asked(HttpContext context) => (
        (options.Contents ?? throw new ApiErrorException(ApiErrors.KeepsNothing("files"))).Files,
        Caller.Of(context).AccountId);
}
